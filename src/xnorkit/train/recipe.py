"""The typed fields of a recipe."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from xnorkit.errors import RecipeError

__all__ = [
    "BinarizerSpec",
    "DataSpec",
    "ModelSpec",
    "OptimizerSpec",
    "Recipe",
    "ScheduleSpec",
    "StageSpec",
    "TeacherSpec",
]

Rule = tuple[str, Any, bool, str]  # field, its value, whether it is valid, what is required


@dataclass(frozen=True)
class ModelSpec:
    """Which model: a name from `list_models`, and whether its inner layers are binary ("xnor") or not ("float").

    `first_layer` and `last_layer` "int8" make these 8-bit (see `xnorkit.nn.quantize_model`).
    """

    name: str
    binarization: Literal["xnor", "float"] = "xnor"
    first_layer: Literal["float", "int8"] = "float"
    last_layer: Literal["float", "int8"] = "float"


@dataclass(frozen=True)
class DataSpec:
    """Which data set, and by how many pixels training images are shifted at random."""

    name: str
    shift: int = 0


@dataclass(frozen=True)
class OptimizerSpec:
    """Optimizer; `momentum` is of SGD alone, `weight_decay` is decoupled with "adamw".

    "bop" is for `binary_optimizer` alone: `lr` is its gamma, `threshold` its tau (see `xnorkit.optim.Bop`).
    `decay_binary: false` leaves the binary latent weights out of the weight decay.
    """

    name: Literal["adam", "adamw", "sgd", "bop"] = "adam"
    lr: float = 0.01
    weight_decay: float = 0.0
    momentum: float = 0.9
    threshold: float = 1e-8
    decay_binary: bool = True

    def rules(self, where: str) -> Iterable[Rule]:
        """Yield what the numbers must keep to."""
        yield f"{where}.lr", self.lr, 0 < self.lr < float("inf"), "a positive number"
        yield f"{where}.weight_decay", self.weight_decay, 0 <= self.weight_decay < float("inf"), "at least 0"
        yield f"{where}.momentum", self.momentum, 0 <= self.momentum < 1, "at least 0, below 1"
        yield f"{where}.threshold", self.threshold, 0 <= self.threshold < float("inf"), "at least 0"
        if self.name == "bop":
            yield f"{where}.lr", self.lr, self.lr <= 1, "at most 1 with bop, whose gamma it is"
            yield f"{where}.weight_decay", self.weight_decay, self.weight_decay == 0, "0 with bop"


@dataclass(frozen=True)
class ScheduleSpec:
    """Learning rate over time, as a factor on `optimizer.lr`.

    "constant": 1; "step": `gamma` to the number of whole `step_epochs` passed; "cosine": from 1 to 0 over the run. The
    first `warmup_epochs` rise linearly from 0 instead.
    """

    name: Literal["constant", "step", "cosine"] = "cosine"
    step_epochs: int = 15
    gamma: float = 0.1
    warmup_epochs: float = 0.0

    def rules(self, where: str) -> Iterable[Rule]:
        """Yield what the numbers must keep to."""
        yield f"{where}.step_epochs", self.step_epochs, self.step_epochs >= 1, "at least 1"
        yield f"{where}.gamma", self.gamma, 0 < self.gamma <= 1, "above 0, at most 1"
        yield f"{where}.warmup_epochs", self.warmup_epochs, self.warmup_epochs >= 0, "at least 0"


@dataclass(frozen=True)
class TeacherSpec:
    """A float network that training imitates: `checkpoint`, a file, or `recipe`, which is trained first.

    Loss: (1 - weight) * cross entropy + weight * soft labels at `temperature` + attention/2 * attention transfer over
    `attention_layers`, a mapping from modules of the network to those of the teacher (see `xnorkit.train.distill`).
    """

    checkpoint: str | None = None
    recipe: str | None = None
    weight: float = 0.5
    temperature: float = 4.0
    attention: float = 0.0
    attention_layers: dict[str, str] = field(default_factory=dict)

    def rules(self) -> Iterable[Rule]:
        """Yield what the fields must keep to."""
        sources = (self.checkpoint, self.recipe)
        yield "teacher", sources, sum(s is not None for s in sources) == 1, "either checkpoint or recipe"
        yield "teacher.weight", self.weight, 0 <= self.weight <= 1, "0 to 1"
        yield "teacher.temperature", self.temperature, 0 < self.temperature < float("inf"), "a positive number"
        yield "teacher.attention", self.attention, 0 <= self.attention < float("inf"), "at least 0"
        layers = self.attention_layers
        yield "teacher.attention_layers", layers, (self.attention > 0) == bool(layers), "layers if attention is above 0"


@dataclass(frozen=True)
class BinarizerSpec:
    """A binarizer of `xnorkit.ops` by `name`, or "nn.Identity", and the arguments of its constructor."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StageSpec:
    """One of several stages of a run; it goes on with the weights of the stage before and with a new optimizer.

    `activations` and `weights` "float" switch that half of the binarization off, in the layers that are binary; in
    `ignore_layers` (dotted names, `$regex$`, "_first_", "_last_") both halves. `optimizer`, `binary_optimizer` and
    `schedule` default to those of the recipe; `lr` and `weight_decay` change one number of the optimizer. The schedule
    runs over the epochs of the stage. `teacher: false` trains on labels alone.

    With any of `pre_activation`, `post_activation` and `weight` the stage prepares the model anew (as BinaryChef; what
    is left out is the identity), and `ignore_layers` names the layers that this leaves as they are.
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
    ignore_layers: list[str] = field(default_factory=list)
    teacher: bool = True
    pre_activation: BinarizerSpec | None = None
    post_activation: BinarizerSpec | None = None
    weight: BinarizerSpec | None = None

    @property
    def prepares(self) -> bool:
        """Whether the stage names binarizers of its own."""
        return any((self.pre_activation, self.post_activation, self.weight))


@dataclass(frozen=True)
class Recipe:
    """One training run: with the data it determines the result, for the same number of threads and kind of machine.

    `binary_optimizer` is for the binary latent weights, `optimizer` then for the rest. `center_weights` centres the
    latent weights over their input channels after each step. With `stages`, `epochs` is the sum of theirs.

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
    seed: int = 0
    label_smoothing: float = 0.0
    binary_optimizer: OptimizerSpec | None = None
    center_weights: bool = False
    teacher: TeacherSpec | None = None
    stages: list[StageSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.stages:
            object.__setattr__(self, "epochs", sum(stage.epochs for stage in self.stages))
        for name, value, valid, required in self._rules():
            if not valid:
                raise RecipeError(f"recipe '{self.name}': {name}={value}; required: {required}.")

    def _rules(self) -> Iterable[Rule]:
        plain = re.fullmatch(r"[\w-][\w.-]*", self.name) is not None
        yield "name", self.name, plain, "letters, digits, . _ - (it names a folder)"
        yield "epochs", self.epochs, self.epochs >= 1, "at least 1"
        yield "batch_size", self.batch_size, self.batch_size >= 2, "at least 2, which BatchNorm needs"
        yield "seed", self.seed, 0 <= self.seed < 2**63, "0 to 2^63 - 1"
        yield "label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "at least 0, below 1"
        yield "data.shift", self.data.shift, 0 <= self.data.shift <= 8, "0 to 8 pixels"
        names = [stage.name for stage in self.stages]
        yield "stages", names, len(names) == len(set(names)) and all(names), "a name for each, none twice"
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
        for index, stage in enumerate(self.stages):
            yield f"stages.{index}.epochs", stage.epochs, stage.epochs >= 1, "at least 1"
        for index, stage in enumerate(self.all_stages()):
            where = f"stages.{index}." if self.stages else ""
            for field_name, spec in (("optimizer", stage.optimizer), ("binary_optimizer", stage.binary_optimizer)):
                if spec is not None:
                    yield from spec.rules(f"{where}{field_name}")
            if stage.optimizer is not None:
                name = stage.optimizer.name
                yield f"{where}optimizer.name", name, name != "bop", "adam, adamw or sgd; bop as binary_optimizer"
            if stage.schedule is not None:
                yield from stage.schedule.rules(f"{where}schedule")

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
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as nested dictionaries of plain values, as in a YAML file."""
        return asdict(self)
