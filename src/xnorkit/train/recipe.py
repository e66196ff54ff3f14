"""The typed fields of a recipe."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import yaml  # type: ignore[import-untyped]

from xnorkit.errors import RecipeError
from xnorkit.train.specs import (
    BinarizerSpec,
    DataSpec,
    InitialiseSpec,
    ModelSpec,
    OptimizerSpec,
    Rule,
    ScheduleSpec,
    SwaSpec,
    TeacherSpec,
)

__all__ = ["Recipe", "StageSpec"]


@dataclass(frozen=True)
class StageSpec:
    """One of several stages of a run; it continues with the weights of the previous stage and with a new optimizer.

    `activations` and `weights` "float" switch that half of the binarization off, in the layers that are binary; in
    `ignore_layers` (dotted names, `$regex$`, "_first_", "_last_") both halves. `optimizer`, `binary_optimizer`,
    `schedule` and `sizes` default to those of the recipe; `lr` and `weight_decay` change one number of the
    optimizer. The schedule runs over the epochs of the stage. `teacher: false` trains on labels alone.

    With any of `pre_activation`, `post_activation` and `weight` the stage prepares the model again (as BinaryChef; what
    is left out is the identity), and `ignore_layers` names the layers that this leaves as they are. `zero_one_layers`
    names those whose activations are 0 and 1 (`SteHeavisideBinarizer`) in place of what `pre_activation` makes.
    """

    name: str
    epochs: int
    activations: Literal["binary", "float"] = "binary"
    weights: Literal["binary", "float"] = "binary"
    optimizer: OptimizerSpec | None = None
    binary_optimizer: OptimizerSpec | None = None
    lr: float | None = None
    weight_decay: float | None = None
    schedule: ScheduleSpec | None = None
    sizes: dict[int, float] | None = None
    ignore_layers: list[str] = field(default_factory=list)
    teacher: bool = True
    pre_activation: BinarizerSpec | None = None
    post_activation: BinarizerSpec | None = None
    weight: BinarizerSpec | None = None
    zero_one_layers: list[str] = field(default_factory=list)

    @property
    def prepares(self) -> bool:
        """Whether the stage names binarizers of its own."""
        return any((self.pre_activation, self.post_activation, self.weight))


@dataclass(frozen=True)
class Recipe:
    """One training run: with the data it determines the result, for the same number of threads and kind of machine.

    `batch_size` is the number of images per optimizer step, over all processes; `accumulate` takes them in that many
    parts. `binary_optimizer` is for the binary latent weights, `optimizer` then for the rest. `center_weights` centres
    the latent weights over their input channels after each step. `clamp` "open" keeps them in (-1, 1), where their
    gradient is not 0, "closed" in [-1, 1], as XNOR-Net-PyTorch does (see `xnorkit.nn.project_`); a resumed run keeps
    that of its checkpoint. `clip_gradient` bounds the norm of the gradient of all parameters together; 0 does not.
    `ema_decay` above 0 evaluates, and keeps for use, the moving average of the weights (see `xnorkit.train.averages`).
    `swa` evaluates, and keeps for use, the mean of the weights of the last epochs (see `xnorkit.train.averages`).
    `test_flip` evaluates the mean of the logits of each image and its mirror.
    `sizes` trains on smaller images first: it maps the side in pixels to the share of the epochs of a stage, in order,
    and the epochs that are left see whole images: `{16: 0.4, 24: 0.3}` (progressive resizing; evaluation always sees
    whole images). `initialise` names the weights that training starts with. With `stages`, `epochs` is the sum of
    theirs.

    Raises:
        RecipeError: a number out of range.
    """

    name: str
    model: ModelSpec
    data: DataSpec
    description: str = ""
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)
    schedule: ScheduleSpec = field(default_factory=ScheduleSpec)
    epochs: int = 20
    batch_size: int = 128
    accumulate: int = 1
    seed: int = 0
    label_smoothing: float = 0.0
    clip_gradient: float = 0.0
    ema_decay: float = 0.0
    swa: SwaSpec | None = None
    test_flip: bool = False
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    channels_last: bool = False
    binary_optimizer: OptimizerSpec | None = None
    center_weights: bool = False
    clamp: Literal["open", "closed"] = "open"
    sizes: dict[int, float] = field(default_factory=dict)
    teacher: TeacherSpec | None = None
    initialise: InitialiseSpec | None = None
    stages: list[StageSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.stages:
            object.__setattr__(self, "epochs", sum(stage.epochs for stage in self.stages))
        self.data.options()  # raises where a field is out of range
        for name, value, valid, expected in self._rules():
            if not valid:
                raise RecipeError(f"recipe '{self.name}': {name}={value}, but it must be {expected}.")

    def _rules(self) -> Iterable[Rule]:
        plain = re.fullmatch(r"[\w-][\w.-]*", self.name) is not None
        yield "name", self.name, plain, "made of letters, digits, . _ - (it names a folder)"
        yield "epochs", self.epochs, self.epochs >= 1, "at least 1"
        yield "batch_size", self.batch_size, self.batch_size >= 2, "at least 2, which BatchNorm needs"
        yield "seed", self.seed, 0 <= self.seed < 2**63, "from 0 to 2^63 - 1"
        yield "label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "at least 0 and below 1"
        parts = self.accumulate
        divides = 1 <= parts <= self.batch_size // 2 and self.batch_size % parts == 0
        yield "accumulate", parts, divides, f"a divisor of batch_size={self.batch_size} that leaves 2 images in a part"
        yield "clip_gradient", self.clip_gradient, 0 <= self.clip_gradient < float("inf"), "at least 0"
        yield "ema_decay", self.ema_decay, 0 <= self.ema_decay < 1, "at least 0 and below 1"
        names = [stage.name for stage in self.stages]
        yield "stages", names, len(names) == len(set(names)) and all(names), "a name for each stage, none twice"
        ends = (self.model.first_layer, self.model.last_layer)
        prepares = any(stage.prepares for stage in self.stages)
        yield (
            "model.first_layer, last_layer",
            ends,
            not (prepares and "int8" in ends),
            "float if a stage has binarizers",
        )
        if self.teacher is not None:
            yield from self.teacher.rules()
        if self.swa is not None:
            yield from self.swa.rules()
            yield "ema_decay", self.ema_decay, self.ema_decay == 0, "0 with swa: choose one of the two averages"
        if self.initialise is not None:
            yield from self.initialise.rules()
        for index, stage in enumerate(self.stages):
            yield f"stages.{index}.epochs", stage.epochs, stage.epochs >= 1, "at least 1"
        for index, stage in enumerate(self.all_stages()):
            where = f"stages.{index}." if self.stages else ""
            for field_name, spec in (("optimizer", stage.optimizer), ("binary_optimizer", stage.binary_optimizer)):
                if spec is not None:
                    yield from spec.rules(f"{where}{field_name}")
            if stage.optimizer is not None:
                name = stage.optimizer.name
                yield f"{where}optimizer.name", name, name != "bop", "adam, adamw or sgd; bop is for binary_optimizer"
            if stage.schedule is not None:
                yield from stage.schedule.rules(f"{where}schedule")
            sizes = stage.sizes or {}
            fits = all(side >= 1 and share > 0 for side, share in sizes.items()) and sum(sizes.values()) <= 1
            yield f"{where}sizes", sizes, fits, "sides of at least 1 pixel and shares above 0 whose sum is at most 1"

    def all_stages(self) -> list[StageSpec]:
        """Return the stages with every default of the recipe filled in; a recipe without stages is a single one."""
        return [self._filled(stage) for stage in self.stages or [StageSpec("", self.epochs)]]

    def _filled(self, stage: StageSpec) -> StageSpec:
        optimizer = stage.optimizer or self.optimizer
        changes: dict[str, Any] = {"lr": stage.lr, "weight_decay": stage.weight_decay}
        return replace(
            stage,
            optimizer=replace(optimizer, **{key: value for key, value in changes.items() if value is not None}),
            binary_optimizer=stage.binary_optimizer or self.binary_optimizer,
            schedule=stage.schedule or self.schedule,
            sizes=stage.sizes if stage.sizes is not None or not self.sizes else self.sizes,
        )

    def to_yaml(self) -> str:
        """Return the fields as a YAML file, from which `load_recipe` makes the same recipe."""
        text: str = yaml.safe_dump(self.to_dict(), sort_keys=False)
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as nested dictionaries of plain values, as in a YAML file."""
        return asdict(self)
