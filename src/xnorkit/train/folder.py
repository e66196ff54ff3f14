"""The folder of a run: what is in it, and that a run writes over nothing but itself."""

import contextlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from xnorkit.errors import InputError, XnorkitError
from xnorkit.owned import OwnedFolder, write_whole, writing
from xnorkit.train.checkpoint import read_checkpoint
from xnorkit.train.load_recipe import load_recipe
from xnorkit.train.recipe import Recipe

__all__ = ["RunFolder", "process_rank", "run_name"]

REPLACED = ".replaced"  # the run that is being overwritten, until the new one has a checkpoint
EVENTS = "events.out.tfevents.*"
REMEDY = "choose another folder (exp_name or output)"


class RunFolder:
    """Paths of what a run writes: checkpoints, logs, its recipe, its result.

    Args:
        path: the folder, made by `held`.
    """

    def __init__(self, path: Path | str) -> None:
        if not os.fspath(path):
            raise InputError("output='', but it must be a path, such as runs/NAME, or . for the current folder.")
        self.path = Path(path)
        self.last = self.path / "last.ckpt"  # after every epoch
        self.best = self.path / "best.ckpt"  # only with a selection split
        self.log = self.path / "log.csv"
        self.tensorboard = self.path / "tensorboard"
        self.recipe = self.path / "recipe.yaml"
        self.result = self.path / "result.json"
        self.teacher = self.path / "teacher"
        self.initialisation = self.path / "initialisation"  # the run whose weights this one starts with
        self._own = OwnedFolder(self.path, REMEDY)
        self._files = (self.recipe, self.last, self.log, self.result, self.best)

    @contextmanager
    def held(self, *, writes: bool = True) -> Iterator[None]:
        """Hold the folder against other processes; if the block ends before a checkpoint is there, undo what it wrote.

        Only the first of several processes does anything, and nothing is done unless the run `writes`.

        Raises:
            OutputError: the folder cannot be made.
            InputError: another process trains there.
        """
        if process_rank() > 0 or not writes:
            yield
            return
        with self._own.held():
            self._settle()
            try:
                yield
            finally:
                self._settle()

    def check(self, recipe: Recipe, *, resumed: bool, overwrite: bool) -> None:
        """Take the names that a run of `recipe` writes.

        Raises:
            InputError: the folder holds a run that is neither resumed nor overwritten, or files that are not a run's.
        """
        if process_rank() > 0:
            return
        if (self.last.exists() or self.result.exists()) and not resumed and not overwrite:
            raise InputError(
                f"{self.path} holds a run, but a new one must have a folder of its own. Continue it (resume 'last'), "
                "choose another name (exp_name), or replace it (overwrite)."
            )
        self._adopt_unmarked()
        files = [file.name for file in self._files if file != self.best or recipe.data.selection]
        boards = [self.tensorboard.name] if importlib.util.find_spec("tensorboard") else []
        names = [*files, *(f"{name}.part" for name in files), *boards, REPLACED]
        if self._is(recipe):
            names.remove(self.recipe.name)  # the user's own may stay; it is not written
        self._own.claim(names)
        strange = [path for path in self.tensorboard.glob("*") if not path.match(EVENTS)]
        if overwrite and strange:
            raise InputError(
                f"{strange[0]} is not a file of a run, but a folder to replace must hold nothing of yours. Move it "
                f"elsewhere, or {REMEDY}."
            )

    def begin(self, recipe: Recipe, *, resumed: bool) -> None:
        """Write the recipe of a run that `check` let pass; what is there and not resumed is set aside first."""
        if process_rank() > 0:
            return
        old = [n for n in self._own.own_names() if n != REPLACED and not n.endswith(".part") and self._own.owns(n)]
        if not resumed or not old:
            with writing(self.path):
                (self.path / REPLACED).mkdir(exist_ok=True)
                for name in old:
                    (self.path / name).replace(self.path / REPLACED / name)
        if not self._is(recipe):
            self._own.write(self.recipe.name, recipe.to_yaml())

    def write_result(self, text: str) -> None:
        """Replace `result.json`."""
        write_whole(self.result, text.encode())

    def _settle(self) -> None:
        """End what `begin` began, in this process or in one that was killed.

        Drafts go. With a checkpoint, the run that it replaced goes; without one, what was written goes, and the run
        that was set aside comes back.
        """
        aside = self.path / REPLACED
        with contextlib.suppress(OSError):  # the folder was removed, or made immutable
            for name in self._own.own_names():
                if name.endswith(".part"):
                    self._own.remove(name)
            if not self._own.owns(REPLACED) or not aside.is_dir():
                return
            if self.last.exists():
                shutil.rmtree(aside)
                return
            self._clear()
            for file in aside.iterdir():
                file.replace(self.path / file.name)
            aside.rmdir()

    def _clear(self) -> None:
        """Remove what a run wrote, and nothing else."""
        for file in self._files:
            self._own.remove(file.name)
        if self.tensorboard.name in self._own.own_names():
            for file in self.tensorboard.glob(EVENTS):
                file.unlink()
            with contextlib.suppress(OSError):
                self.tensorboard.rmdir()

    def _is(self, recipe: Recipe) -> bool:
        """Return whether `recipe.yaml` holds these very fields, however it is written."""
        try:
            return load_recipe(self.recipe) == recipe
        except XnorkitError:
            return False

    def _adopt_unmarked(self) -> None:
        """Take over a run of a version that made no mark: its recipe is the one in its checkpoint."""
        if self._own.own_names() or not self.last.is_file():
            return
        with contextlib.suppress(XnorkitError):
            own, written = read_checkpoint(self.last).recipe, load_recipe(self.recipe)
            if replace(own, epochs=written.epochs, clamp=written.clamp) == written:
                names = [file.name for file in self._files if file.exists()]
                self._own.adopt([*names, *([self.tensorboard.name] if self.tensorboard.is_dir() else [])])


def run_name(values: Mapping[str, object]) -> str:
    """Return the name of the folder of one run of several, by the fields in which they differ: seed-0."""
    return re.sub(r"[^\w.+-]+", "-", "_".join(f"{field}-{value}" for field, value in values.items()))


def process_rank() -> int:
    """Return the number of this process in its run, 0 for the first, as torchrun, SLURM or Lightning say."""
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"):
        if os.environ.get(name, "").isdecimal():
            return int(os.environ[name])
    return 0
