"""The content of a folder of `xnorkit train`: the run, its progress, and its results."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnorkit.bench.engines import Note
from xnorkit.errors import XnorkitError
from xnorkit.train import Recipe, load_recipe
from xnorkit.train.stages import stage_at

__all__ = ["Run", "read_run", "read_runs"]

CURVES = ("train_loss", "eval_loss", "train_accuracy", "eval_accuracy", "flip_ratio", "seconds")


@dataclass(frozen=True)
class Run:
    """A run, finished or not, with at least one completed epoch.

    Attributes:
        folder: the folder of the run.
        recipe: the recipe of the training with all fields.
        rows: the rows of log.csv, one per epoch.
        result: the content of result.json, or None while epochs are left.
    """

    folder: Path
    recipe: Recipe
    rows: list[dict[str, str]]
    result: dict[str, Any] | None

    @property
    def key(self) -> str:
        """dataset/model/family."""
        return f"{self.recipe.data.name}/{self.recipe.model.name}/{self.family}"

    @property
    def family(self) -> str:
        """Name of the binarization."""
        return self.recipe.model.binarization

    @property
    def epochs(self) -> int:
        """The number of completed epochs."""
        return len(self.rows)

    @property
    def finished(self) -> bool:
        """Whether all epochs are complete and the result is written."""
        return self.result is not None and self.epochs >= self.recipe.epochs

    @property
    def status(self) -> str:
        """The key of its records."""
        return "measured" if self.finished else "in part"

    @property
    def reason(self) -> str:
        """The reason why it is in part."""
        return "" if self.finished else f"{self.epochs} of {self.recipe.epochs} epochs"

    @property
    def float_stage(self) -> str:
        """The reason why the network is not yet binary, or '': its last epoch is in a stage with float parts."""
        stages = self.recipe.all_stages()
        stage = stages[stage_at(stages, self.epochs - 1)[0]]
        if "float" not in (stage.activations, stage.weights):
            return ""
        return f"its run is in stage '{stage.name}' ({self.epochs} of {self.recipe.epochs} epochs), not yet binary"

    @property
    def checkpoint(self) -> Path:
        """The accuracy after the last epoch."""
        return self.folder / "last.ckpt"

    def last(self, column: str) -> float | None:
        """Return a figure of the last epoch, or None if the log has none."""
        return _number(self.rows[-1].get(column, ""))

    def curves(self) -> dict[str, list[float | None]]:
        """Return the columns of the log that are drawn, with `epoch` from 1."""
        curves: dict[str, list[float | None]] = {"epoch": [int(row["epoch"]) for row in self.rows]}
        return curves | {name: [_number(row.get(name, "")) for row in self.rows] for name in CURVES}


def read_run(folder: Path) -> Run | None:
    """Return the run in a folder, or None if no epoch is complete.

    Raises:
        RecipeError: its recipe is of another version.
        OSError, ValueError: a file cannot be read.
    """
    log, result = folder / "log.csv", folder / "result.json"
    if not log.is_file():
        return None
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    recipe = load_recipe(str(folder / "recipe.yaml"))
    content = json.loads(result.read_text(encoding="utf-8")) if result.is_file() else None
    return Run(folder, recipe, rows, content) if rows else None


def read_runs(folders: Iterable[Path], note: Note) -> list[Run]:
    """Return the runs in the folders inside `folders`, by name.

    A note reports each run that is left out: unreadable ones, and trials, which hold out a part of the training images
    for choosing settings and thus train on fewer.
    """
    runs = []
    for root in folders:
        for recipe in sorted(root.glob("*/recipe.yaml")):
            try:
                run = read_run(recipe.parent)
            except (XnorkitError, OSError, ValueError) as error:
                note(f"{recipe.parent}: {error}")
                continue
            if run is not None and run.recipe.data.selection:
                note(f"{recipe.parent}: a trial, which holds out {run.recipe.data.selection:.0%} for choosing settings")
            elif run is not None:
                runs.append(run)
    return runs


def _number(text: str) -> float | None:
    return float(text) if text else None
