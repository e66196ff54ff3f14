"""What a recipe runs on: options of the machine, which no recipe holds, and the file that keeps them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from xnorkit.errors import InputError, RecipeError
from xnorkit.train.fields import read_yaml, typed
from xnorkit.train.specs import Rule

__all__ = ["Hardware", "Machine", "load_machine"]

FILE = "xnorkit.yaml"
MOST = 256  # threads, processes that read data, devices of a machine


@dataclass(frozen=True)
class Hardware:
    """Processes, devices and limits of a run; none changes what is trained, but for the order of sums.

    Attributes:
        devices: processes per machine, each with a device: how many, "auto" for all, or their numbers as "0,2" or "3,".
        num_nodes: machines.
        accelerator: kind of device: "auto", "cpu", "gpu", ...
        strategy: how processes work together, as the trainer names it: "auto" or "ddp".
        workers: processes that read the data, for each training process; 0 reads in the training process.
        threads: threads of PyTorch; None leaves its own choice.
        limit_train_batches, limit_eval_batches: at most this many batches per epoch, for trials; None takes all.
        fast_dev_run: a single batch of training and of evaluation; nothing is written.

    Raises:
        InputError: a number out of range.
    """

    devices: str = "1"
    num_nodes: int = 1
    accelerator: str = "auto"
    strategy: str = "auto"
    workers: int = 0
    threads: int | None = None
    limit_train_batches: int | None = None
    limit_eval_batches: int | None = None
    fast_dev_run: bool = False

    def __post_init__(self) -> None:
        for name, value, valid, expected in self._rules():
            if not valid:
                raise InputError(f"{name}={value}, but it must be {expected}.")

    def _rules(self) -> Iterable[Rule]:
        numbers = self.devices.removesuffix(",").split(",")
        known = self.devices == "auto" or (all(n.isdecimal() for n in numbers) and self.devices != "0")
        few = not known or self.devices == "auto" or "," in self.devices or int(self.devices) <= MOST
        yield "devices", self.devices, known, "a number of devices, 'auto', or their numbers, as 0,2"
        yield "devices", self.devices, few, f"at most {MOST}"
        yield "num_nodes", self.num_nodes, self.num_nodes >= 1, "at least 1"
        yield "workers", self.workers, 0 <= self.workers <= MOST, f"from 0 to {MOST}"
        yield "threads", self.threads, self.threads is None or 1 <= self.threads <= MOST, f"from 1 to {MOST}"
        for name in ("limit_train_batches", "limit_eval_batches"):
            value = getattr(self, name)
            yield name, value, value is None or 1 <= value < 2**31, "from 1 to 2^31 - 1"


@dataclass(frozen=True)
class Machine:
    """Fields of a machine file: where data and logs are, and defaults for what is not given otherwise.

    The command line overrides the recipe, and the recipe overrides this file: `batch_size` and
    `precision` count for recipes that do not give them.

    Attributes:
        data: folder of the data sets.
        logs: folder that gets a folder per run.
        batch_size, precision: of recipes without.
        devices, num_nodes, accelerator, strategy, workers, threads: see `Hardware`.
    """

    data: str | None = None
    logs: str = "runs"
    batch_size: int | None = None
    precision: str | None = None
    devices: int | str | None = None
    num_nodes: int | None = None
    accelerator: str | None = None
    strategy: str | None = None
    workers: int | None = None
    threads: int | None = None

    def recipe_defaults(self) -> dict[str, int | str]:
        """Return the fields of a recipe that this file gives."""
        given = {"batch_size": self.batch_size, "precision": self.precision}
        return {key: value for key, value in given.items() if value is not None}

    def hardware(self, **options: object) -> Hardware:
        """Return the hardware of this file, changed by the `options` that are not None."""
        names = {entry.name for entry in fields(Hardware)}
        own = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name in names}
        chosen = {key: value for key, value in {**own, **_given(options)}.items() if value is not None}
        if "devices" in chosen:
            chosen["devices"] = str(chosen["devices"])
        return Hardware(**chosen)


def load_machine(path: Path | None = None) -> Machine:
    """Return the machine file at `path`, or `xnorkit.yaml` in XDG_CONFIG_HOME (~/.config); without one, the defaults.

    Raises:
        RecipeError: an unknown field, with near matches; a value of another type; no file at a given `path`.
    """
    if path is None:
        path = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / FILE
        if not path.is_file():
            return Machine()
    elif not path.is_file():
        raise RecipeError(f"there is no machine file at {path}, but it must be a YAML file; see docs/training.md.")
    return typed(Machine, read_yaml(path, f"machine file {path}"), f"machine file {path}")


def _given(options: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in options.items() if value is not None}
