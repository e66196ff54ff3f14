"""The typed content of plans.yaml: the measurements of each mode."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml  # type: ignore[import-untyped]

from xnorkit.errors import InputError

__all__ = ["PLANS", "Inference", "Plan", "RunSpec", "Training", "Variants"]


@dataclass(frozen=True)
class RunSpec:
    """A training of the accuracy table.

    recipe, overrides: how it is trained. dataset, model, family: what it then is, where family is the name of the
    binarization. hours: of training on two cores, roughly. deployed: pack its checkpoint and prove it.
    """

    recipe: str
    dataset: str
    model: str
    family: str
    overrides: tuple[str, ...] = ()
    hours: float = 0.0
    deployed: bool = False

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.recipe}-{self.family}" if self.overrides else self.recipe

    @property
    def key(self) -> str:
        """The key of its records."""
        return f"{self.dataset}/{self.model}/{self.family}"


@dataclass(frozen=True)
class Inference:
    """A network whose time per call is measured, with the seconds of measurement per batch and the total cost."""

    model: str
    batches: tuple[int, ...]
    seconds: float
    cost: float


@dataclass(frozen=True)
class Training:
    """A network whose training step is measured; `epoch_images` sizes the epoch whose time is reported too."""

    model: str
    batch: int
    epoch_images: int
    seconds: float


@dataclass(frozen=True)
class Variants:
    """The equal budget of all gradient rules and ablations; `seconds` is the time of one training."""

    recipe: str
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """All experiments of a mode.

    channels and filters are those of Figure 4 of the XNOR-Net paper, the others those of the second convolution of
    LeNet-5. kernel_seconds: of measurement per point. proof_images: most images of the deployment proof. trains: the
    missing runs without being asked to.
    """

    mode: str
    runs: tuple[RunSpec, ...]
    memory: tuple[tuple[str, str], ...]
    training: tuple[Training, ...]
    inference: tuple[Inference, ...]
    paper_models: tuple[str, ...]
    channels: tuple[int, ...]
    filters: tuple[int, ...]
    lenet_channels: tuple[int, ...]
    lenet_filters: tuple[int, ...]
    kernel_seconds: float
    variants: Variants
    proof_images: int
    pictures: tuple[str, ...]
    trains: bool

    def spec(self, key: str) -> RunSpec:
        """Return the run `dataset/model/family`; InputError if it is not in the plan."""
        for spec in self.runs:
            if spec.key == key:
                return spec
        raise InputError(f"run '{key}', but it must be one of {', '.join(spec.key for spec in self.runs)}.")


def _plan(mode: str, entries: dict[str, Any]) -> Plan:
    fields: dict[str, Any] = {name: _frozen(entry) for name, entry in entries.items()}
    fields["runs"] = tuple(RunSpec(**run) for run in fields["runs"])
    fields["memory"] = tuple((model, family) for model, families in fields["memory"].items() for family in families)
    fields["training"] = tuple(Training(**entry) for entry in fields["training"])
    fields["inference"] = tuple(Inference(**entry) for entry in fields["inference"])
    fields["variants"] = Variants(**fields["variants"])
    return Plan(mode=mode, **fields)


def _frozen(entry: Any) -> Any:
    """Return the entry with tuples in the place of lists."""
    if isinstance(entry, dict):
        return {name: _frozen(value) for name, value in entry.items()}
    return tuple(map(_frozen, entry)) if isinstance(entry, list) else entry


_ENTRIES = yaml.safe_load((files(__package__) / "plans.yaml").read_text(encoding="utf-8"))
PLANS = {mode: _plan(mode, entries) for mode, entries in _ENTRIES.items()}
