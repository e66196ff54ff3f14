"""The typed sections of a recipe."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from xnorkit.data import DataOptions
from xnorkit.own import is_own

__all__ = [
    "BinarizerSpec",
    "DataSpec",
    "GroupSpec",
    "InitialiseSpec",
    "ModelSpec",
    "OptimizerSpec",
    "Rule",
    "ScheduleSpec",
    "SwaSpec",
    "TeacherSpec",
]

OPTIMIZERS = ("adam", "adamw", "sgd", "bop")
Rule = tuple[str, Any, bool, str]  # field, its value, whether it is valid, what it must be


@dataclass(frozen=True)
class ModelSpec:
    """Which model: a name from `list_models`, and what it is binarized by, a name that the model offers.

    Either may be of your own, as `package.module:Name` (see `xnorkit.create_model`).

    "float" makes nothing binary. `options` are arguments of the model's function, as `block_type` of a ResNet.
    `first_layer` and `last_layer` "int8" make these 8-bit (see `xnorkit.nn.quantize_model`).
    """

    name: str
    binarization: str = "xnor"
    options: dict[str, Any] = field(default_factory=dict)
    first_layer: Literal["float", "int8"] = "float"
    last_layer: Literal["float", "int8"] = "float"


@dataclass(frozen=True)
class DataSpec:
    """Which data set, and how it is read and augmented: fields as in `xnorkit.data.DataOptions`.

    `selection` is the share of the training images that is held out to choose the best epoch by.
    """

    name: str
    selection: float = 0.0
    shift: int = 0
    flip: bool | None = None
    cutout: int = 0
    randaugment: int = 0
    randaugment_level: int = 9
    mixup: float = 0.0
    cutmix: float = 0.0
    preprocessing: Literal["modern", "seed"] = "modern"
    image_size: int | None = None
    min_crop: float = 0.08

    def options(self, **others: Any) -> DataOptions:
        """Return these fields and `others`, which are not of a recipe, as options; RecipeError for a wrong one."""
        own = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "name"}
        return DataOptions(**own, **others)


@dataclass(frozen=True)
class GroupSpec:
    """A rule of an optimizer: the parameters that `match` names get other numbers than the rest.

    `match` is "batchnorm", "bias" (every parameter of that name, those of BatchNorm too), "binary" (the latent weights
    of layers whose weights are binary now), or a pattern as in `ignore_layers`: the dotted name of a parameter or of a
    module that holds some, `$regex$`, "_first_", "_last_". `lr_factor` multiplies the learning rate, `weight_decay`
    replaces that of the optimizer.
    """

    match: str
    lr_factor: float | None = None
    weight_decay: float | None = None

    def rules(self, where: str) -> Iterable[Rule]:
        """Yield what the fields must keep to."""
        numbers = (self.lr_factor, self.weight_decay)
        yield where, self.match, any(n is not None for n in numbers), "given lr_factor or weight_decay as well"
        positive = self.lr_factor is None or 0 < self.lr_factor < float("inf")
        yield f"{where}.lr_factor", self.lr_factor, positive, "a positive number"
        decays = self.weight_decay is None or 0 <= self.weight_decay < float("inf")
        yield f"{where}.weight_decay", self.weight_decay, decays, "at least 0"
        yield f"{where}.match", self.match, _is_pattern(self.match), "a name, or $regex$ as in the module re"


@dataclass(frozen=True)
class OptimizerSpec:
    """Optimizer; `momentum` and `nesterov` are of SGD alone, `weight_decay` is decoupled with "adamw".

    `name` is "adam", "adamw", "sgd", "bop", or a class of your own as `package.module:Name`. That is called with the
    parameters, `lr`, `weight_decay` unless it is 0, and `args`, which are for it alone.

    "bop" is for `binary_optimizer` alone: `lr` is its gamma, `threshold` its tau (see `xnorkit.optim.Bop`).
    `decay_binary: false` leaves the binary latent weights out of the weight decay. `groups` are rules for some of the
    parameters; of several rules that match, the last one that names a number counts.
    """

    name: str = "adam"
    lr: float = 0.01
    weight_decay: float = 0.0
    momentum: float = 0.9
    nesterov: bool = False
    threshold: float = 1e-8
    decay_binary: bool = True
    groups: list[GroupSpec] = field(default_factory=list)
    args: dict[str, Any] = field(default_factory=dict)

    def rules(self, where: str) -> Iterable[Rule]:
        """Yield what the numbers must keep to."""
        known = is_own(self.name) or self.name in OPTIMIZERS
        near = difflib.get_close_matches(self.name, OPTIMIZERS, n=1)
        hint = f". Did you mean {near[0]}?" if near else ""
        yield f"{where}.name", self.name, known, f"one of {', '.join(OPTIMIZERS)}, or package.module:Name{hint}"
        yield (
            f"{where}.args",
            self.args,
            is_own(self.name) or not self.args,
            "empty except for an optimizer of your own",
        )
        yield f"{where}.lr", self.lr, 0 < self.lr < float("inf"), "a positive number"
        yield f"{where}.weight_decay", self.weight_decay, 0 <= self.weight_decay < float("inf"), "at least 0"
        yield f"{where}.momentum", self.momentum, 0 <= self.momentum < 1, "at least 0 and below 1"
        yield f"{where}.threshold", self.threshold, 0 <= self.threshold < float("inf"), "at least 0"
        if self.name == "bop":
            yield f"{where}.lr", self.lr, self.lr <= 1, "at most 1 with bop, whose gamma it is"
            yield f"{where}.weight_decay", self.weight_decay, self.weight_decay == 0, "0 with bop"
        if self.nesterov:
            valid = self.name == "sgd" and self.momentum > 0
            yield f"{where}.nesterov", self.nesterov, valid, "false unless the optimizer is sgd with a momentum above 0"
        for index, group in enumerate(self.groups):
            here = f"{where}.groups.{index}"
            yield from group.rules(here)
            if self.name == "bop":
                rate = self.lr * (1.0 if group.lr_factor is None else group.lr_factor)
                yield f"{here}.lr_factor", group.lr_factor, rate <= 1, "at most 1/lr with bop, whose gamma lr is"
                yield f"{here}.weight_decay", group.weight_decay, not group.weight_decay, "0 or left out with bop"


@dataclass(frozen=True)
class ScheduleSpec:
    """Learning rate over time, as a factor on `optimizer.lr`.

    "constant": 1; "step": `gamma` to the number of whole `step_epochs` passed; "milestones": `gamma` to the number of
    `milestones` (epochs) passed; "cosine", "linear": from 1 to 0 over the run. The first `warmup_epochs` rise linearly
    from 0 instead. "one-cycle": from `start_factor` up to 1 in `warmup_share` of the run, then down to `final_factor`,
    each along a half cosine or a line (`anneal`); in a recipe of stages each stage is a cycle.

    Source of "one-cycle": Smith & Topin, Super-Convergence (2017), as `torch.optim.lr_scheduler.OneCycleLR`. Differs:
    momentum stays as it is, and `final_factor` is a factor on `lr`, not on the first learning rate.
    """

    name: Literal["constant", "step", "milestones", "cosine", "linear", "one-cycle"] = "cosine"
    step_epochs: int = 15
    milestones: list[int] = field(default_factory=list)
    gamma: float = 0.1
    warmup_epochs: float = 0.0
    warmup_share: float = 0.3
    start_factor: float = 0.04
    final_factor: float = 0.0
    anneal: Literal["cosine", "linear"] = "cosine"

    def rules(self, where: str) -> Iterable[Rule]:
        """Yield what the numbers must keep to."""
        yield f"{where}.step_epochs", self.step_epochs, self.step_epochs >= 1, "at least 1"
        yield f"{where}.gamma", self.gamma, 0 < self.gamma <= 1, "above 0 and at most 1"
        yield f"{where}.warmup_epochs", self.warmup_epochs, self.warmup_epochs >= 0, "at least 0"
        given = self.milestones
        rising = given == sorted(set(given)) and all(epoch >= 1 for epoch in given)
        yield f"{where}.milestones", given, rising, "rising epochs from 1 on"
        fits = bool(given) == (self.name == "milestones")
        yield f"{where}.milestones", given, fits, "epochs with the schedule 'milestones', and empty with another"
        yield f"{where}.warmup_share", self.warmup_share, 0 < self.warmup_share < 1, "above 0 and below 1"
        yield f"{where}.start_factor", self.start_factor, 0 < self.start_factor <= 1, "above 0 and at most 1"
        yield f"{where}.final_factor", self.final_factor, 0 <= self.final_factor <= 1, "from 0 to 1"
        cycles = self.name == "one-cycle"
        yield (
            f"{where}.warmup_epochs",
            self.warmup_epochs,
            not (cycles and self.warmup_epochs),
            "0 with the schedule 'one-cycle', whose warm-up is warmup_share",
        )
        plain = ScheduleSpec.__dataclass_fields__
        for name in ("warmup_share", "start_factor", "final_factor", "anneal"):
            value = getattr(self, name)
            yield (
                f"{where}.{name}",
                value,
                cycles or value == plain[name].default,
                "left out without the schedule 'one-cycle'",
            )


@dataclass(frozen=True)
class SwaSpec:
    """Averaging of weights (SWA): the mean of the weights after each epoch from `start` on, a share of the last stage.

    The statistics of BatchNorm are recomputed for the mean, after the last epoch; only that epoch is evaluated with it.
    """

    start: float = 0.75

    def rules(self) -> Iterable[Rule]:
        """Yield what the fields must keep to."""
        yield "swa.start", self.start, 0 <= self.start < 1, "at least 0 and below 1"


@dataclass(frozen=True)
class TeacherSpec:
    """A float network that training imitates: `checkpoint`, a file, or `recipe`, which is trained first.

    Loss: (1 - weight) * cross entropy + weight * soft labels at `temperature` + attention/2 * attention transfer over
    `attention_layers`, a mapping from modules of the network to those of the teacher (see `xnorkit.train.distill`).
    `precision` is that of the teacher's forward pass alone; on processors with bfloat16 matrix units, `bf16-mixed`
    makes it several times cheaper.
    """

    checkpoint: str | None = None
    recipe: str | None = None
    weight: float = 0.5
    temperature: float = 4.0
    attention: float = 0.0
    attention_layers: dict[str, str] = field(default_factory=dict)
    precision: Literal["32-true", "bf16-mixed"] = "32-true"

    def rules(self) -> Iterable[Rule]:
        """Yield what the fields must keep to."""
        sources = (self.checkpoint, self.recipe)
        yield "teacher", sources, sum(s is not None for s in sources) == 1, "either a checkpoint or a recipe"
        yield "teacher.weight", self.weight, 0 <= self.weight <= 1, "from 0 to 1"
        yield "teacher.temperature", self.temperature, 0 < self.temperature < float("inf"), "a positive number"
        yield "teacher.attention", self.attention, 0 <= self.attention < float("inf"), "at least 0"
        layers = self.attention_layers
        yield (
            "teacher.attention_layers",
            layers,
            (self.attention > 0) == bool(layers),
            "layers if attention is above 0, and empty otherwise",
        )


@dataclass(frozen=True)
class InitialiseSpec:
    """Where a run takes its first weights from: `checkpoint`, a file, or `recipe`, which is trained first.

    Weights are copied where name and shape agree, as from a float network to its binary twin. A recipe that is the
    teacher's too is trained once for both.

    Source: Martinez et al., Training Binary Neural Networks with Real-to-Binary Convolutions (ICLR 2020), section 4.
    """

    checkpoint: str | None = None
    recipe: str | None = None

    def rules(self) -> Iterable[Rule]:
        """Yield what the fields must keep to."""
        sources = (self.checkpoint, self.recipe)
        yield "initialise", sources, sum(s is not None for s in sources) == 1, "either a checkpoint or a recipe"


@dataclass(frozen=True)
class BinarizerSpec:
    """A binarizer of `xnorkit.ops` by `name`, or "nn.Identity", and the arguments of its constructor."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)


def _is_pattern(text: str) -> bool:
    """Return whether `text` is a name, or a regular expression between two $."""
    if len(text) > 1 and text[0] == text[-1] == "$":
        try:
            re.compile(text[1:-1])
        except re.error:
            return False
    return bool(text)
