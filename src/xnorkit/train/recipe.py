"""The typed fields of a recipe."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from xnorkit.errors import RecipeError

__all__ = ["DataSpec", "ModelSpec", "OptimizerSpec", "Recipe", "ScheduleSpec"]


@dataclass(frozen=True)
class ModelSpec:
    """Which model: a name from `list_models`, and whether its inner layers are binary ("xnor") or not ("float")."""

    name: str
    binarization: Literal["xnor", "float"] = "xnor"


@dataclass(frozen=True)
class DataSpec:
    """Which data set, and by how many pixels training images are shifted at random."""

    name: str
    shift: int = 0


@dataclass(frozen=True)
class OptimizerSpec:
    """Optimizer; `momentum` is of SGD alone, `weight_decay` is decoupled with "adamw"."""

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = 0.01
    weight_decay: float = 0.0
    momentum: float = 0.9


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


@dataclass(frozen=True)
class Recipe:
    """One training run: with the data it determines the result, for the same number of threads and kind of machine.

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

    def __post_init__(self) -> None:
        rules = (
            ("epochs", self.epochs, self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size, self.batch_size >= 2, "at least 2, which BatchNorm needs"),
            ("seed", self.seed, 0 <= self.seed < 2**63, "0 to 2^63 - 1"),
            ("label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "at least 0, below 1"),
            ("data.shift", self.data.shift, 0 <= self.data.shift <= 8, "0 to 8 pixels"),
            ("optimizer.lr", self.optimizer.lr, 0 < self.optimizer.lr < float("inf"), "a positive number"),
            ("optimizer.weight_decay", self.optimizer.weight_decay, self.optimizer.weight_decay >= 0, "at least 0"),
            ("optimizer.momentum", self.optimizer.momentum, 0 <= self.optimizer.momentum < 1, "at least 0, below 1"),
            ("schedule.step_epochs", self.schedule.step_epochs, self.schedule.step_epochs >= 1, "at least 1"),
            ("schedule.gamma", self.schedule.gamma, 0 < self.schedule.gamma <= 1, "above 0, at most 1"),
            ("schedule.warmup_epochs", self.schedule.warmup_epochs, self.schedule.warmup_epochs >= 0, "at least 0"),
        )
        for name, value, valid, required in rules:
            if not valid:
                raise RecipeError(f"recipe '{self.name}': {name}={value}; required: {required}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as nested dictionaries of plain values, as in a YAML file."""
        return asdict(self)
