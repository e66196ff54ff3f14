"""The folder of a run: what is in it, and that no run writes over another."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.train.recipe import Recipe

__all__ = ["RunFolder", "process_rank"]


class RunFolder:
    """Paths of what a run writes: checkpoints, logs, its recipe, its result.

    Args:
        path: the folder, made by `held`.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.last = self.path / "last.ckpt"  # after every epoch
        self.best = self.path / "best.ckpt"  # only with a selection split
        self.log = self.path / "log.csv"
        self.tensorboard = self.path / "tensorboard"
        self.recipe = self.path / "recipe.yaml"
        self.result = self.path / "result.json"
        self.teacher = self.path / "teacher"
        self.initialisation = self.path / "initialisation"  # the run whose weights this one starts with

    def check(self, *, resumed: bool, overwrite: bool) -> None:
        """Raise InputError if the folder holds a run that is neither resumed nor overwritten."""
        taken = process_rank() == 0 and (self.last.exists() or self.result.exists())
        if taken and not resumed and not overwrite:
            raise InputError(
                f"{self.path} holds a run; required: a folder of its own for a new one. Go on with it (--resume last), "
                "choose another name (--exp-name NAME), or replace it (--overwrite)."
            )

    @contextmanager
    def held(self, recipe: Recipe, *, overwrite: bool, writes: bool = True) -> Iterator[None]:
        """Make the folder and write the recipe into it; if the block fails before its first checkpoint, undo that.

        Only the first of several processes does anything.

        Raises:
            InputError: the folder cannot be made.
        """
        if process_rank() > 0 or not writes:
            yield
            return
        existed = self.path.is_dir()
        if overwrite:
            self._clear()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.recipe.write_text(recipe.to_yaml(), encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"output={self.path} cannot be made: {error}; required: a folder that can be written."
            ) from error
        try:
            yield
        finally:
            if not self.last.exists() and self.path.is_dir():
                self._clear()
                if not existed and not any(self.path.iterdir()):
                    self.path.rmdir()

    def _clear(self) -> None:
        for file in (self.last, self.best, self.log, self.recipe, self.result):
            file.unlink(missing_ok=True)
        shutil.rmtree(self.tensorboard, ignore_errors=True)


def process_rank() -> int:
    """Return the number of this process in its run, 0 for the first, as torchrun, SLURM or Lightning say."""
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"):
        if os.environ.get(name, "").isdecimal():
            return int(os.environ[name])
    return 0
