"""Runs a recipe."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xnorkit.data import ImageData, create_data
from xnorkit.errors import InputError, RecipeError
from xnorkit.models import input_shape
from xnorkit.train.checkpoint import load_checkpoint, read_checkpoint
from xnorkit.train.load_recipe import load_recipe
from xnorkit.train.recipe import Recipe

__all__ = ["FitResult", "fit"]

CHECKPOINT, LOG, RESULT = "last.ckpt", "log.csv", "result.json"
TEACHER = "teacher"


@dataclass(frozen=True)
class FitResult:
    """What a run reached after its last epoch; no epoch was selected.

    accuracy (top-1) and loss are of the evaluation split that `split` names, seconds of all epochs of the run.
    """

    recipe: str
    checkpoint: Path
    split: str
    accuracy: float
    loss: float
    seconds: float
    epochs: int

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {**asdict(self), "checkpoint": str(self.checkpoint)}


def fit(
    recipe: Recipe,
    *,
    output: Path | str,
    data_root: Path | str | None = None,
    download: bool = False,
    resume: Path | str | None = None,
    progress: bool = True,
    threads: int | None = None,
) -> FitResult:
    """Train `recipe` and return the result of its last epoch.

    Written into `output`: `last.ckpt` after every epoch (replaced atomically), `log.csv` with a row per epoch, and at
    the end `result.json`. A resumed run continues as if it had not been interrupted: order and augmentation of the data
    depend on (seed, epoch) only. A teacher that the recipe names by its recipe is trained first, into `teacher/`.

    Args:
        recipe: see `load_recipe`.
        output: folder, made if absent.
        data_root: folder of the data set's files.
        download: fetch absent data.
        resume: a checkpoint, or "last" for the one in `output`.
        progress: a line per epoch on standard error, with a bar on a terminal.
        threads: threads of PyTorch during the run; its own choice by default.

    Raises:
        RecipeError: the recipe names something unknown, or differs from that of the checkpoint in more than epochs.
        DataError: data missing or damaged.
        InputError: no readable checkpoint to resume from, no usable output folder.
        XnorkitError: the loss became NaN or infinite.
    """
    output = Path(output)
    start = _start(recipe, output / CHECKPOINT if resume == "last" else Path(resume)) if resume is not None else None
    data = create_data(
        recipe.data.name,
        root=data_root,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        shift=recipe.data.shift,
        download=download,
    )
    if data.input_shape != input_shape(recipe.model.name):
        raise RecipeError(
            f"recipe '{recipe.name}': data '{data.name}' has images {data.input_shape}; model '{recipe.model.name}' "
            f"requires {input_shape(recipe.model.name)} (C, H, W). Choose another model or data."
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"output={output} cannot be made: {error}; required: a folder that can be written.") from error
    options: dict[str, Any] = {"data_root": data_root, "download": download, "progress": progress, "threads": threads}
    teacher = _teacher(recipe, data, output / TEACHER, start is not None, options)
    # Imported here: the trainer takes seconds to import, and reading a checkpoint does not need it.
    from xnorkit.train.run import run

    with _threads(threads):
        seconds, loss, accuracy = run(
            recipe,
            data,
            checkpoint=output / CHECKPOINT,
            log=output / LOG,
            start=start,
            progress=progress,
            teacher=teacher,
        )
    result = FitResult(recipe.name, output / CHECKPOINT, data.split_name, accuracy, loss, seconds, recipe.epochs)
    draft = output / f"{RESULT}.part"
    draft.write_text(json.dumps({**result.to_json(), "fields": recipe.to_dict()}, indent=2) + "\n", encoding="utf-8")
    draft.replace(output / RESULT)
    return result


def _teacher(recipe: Recipe, data: ImageData, output: Path, resumed: bool, options: dict[str, Any]) -> nn.Module | None:
    """Return the teacher of `recipe`, trained into `output` if it is named by its recipe."""
    spec = recipe.teacher
    if spec is None:
        return None
    if spec.checkpoint is not None:
        checkpoint = Path(spec.checkpoint)
    else:
        own = load_recipe(spec.recipe or "")
        if own.teacher is not None:
            raise RecipeError(f"teacher.recipe={spec.recipe} has a teacher itself; required: a recipe without one.")
        last = "last" if resumed and (output / CHECKPOINT).is_file() else None
        checkpoint = fit(own, output=output, resume=last, **options).checkpoint
    teacher, own = load_checkpoint(checkpoint)
    classes = read_checkpoint(checkpoint).num_classes
    if (input_shape(own.model.name), classes) != (data.input_shape, data.num_classes):
        raise RecipeError(
            f"recipe '{recipe.name}': the teacher has images {input_shape(own.model.name)} and {classes} classes; "
            f"required: {data.input_shape} and {data.num_classes}, those of '{data.name}'. Choose another teacher."
        )
    return teacher


def _start(recipe: Recipe, path: Path) -> Path:
    """Return `path` if `recipe` may continue from the checkpoint there."""
    checkpoint = read_checkpoint(path)
    before = checkpoint.recipe
    if checkpoint.epochs_done > recipe.epochs:
        raise RecipeError(
            f"{path} has {checkpoint.epochs_done} epochs behind it; required: epochs of at least that many to go on, "
            f"not {recipe.epochs}."
        )
    if replace(before, epochs=recipe.epochs, name=recipe.name, description=recipe.description) != recipe:
        ours, theirs = recipe.to_dict(), before.to_dict()
        different = [key for key in ours if ours[key] != theirs[key] and key not in ("epochs", "name", "description")]
        raise RecipeError(
            f"{path} was trained with another {', '.join(different)} than recipe '{recipe.name}'; required: the same "
            "fields except epochs. Resume with the recipe and overrides of the first run, or train anew."
        )
    return path


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Run the block with that many PyTorch threads."""
    if count is not None and count < 1:
        raise InputError(f"threads={count}; required: at least 1.")
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
