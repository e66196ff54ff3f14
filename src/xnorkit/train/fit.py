"""Runs a recipe."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from xnorkit.data import ImageData, create_data
from xnorkit.data.accuracy import check_flip, split_words
from xnorkit.errors import InputError, RecipeError
from xnorkit.models import input_shape
from xnorkit.train.checkpoint import read_checkpoint, write_weights
from xnorkit.train.folder import RunFolder, process_rank
from xnorkit.train.machine import Hardware
from xnorkit.train.optimizers import check_groups
from xnorkit.train.recipe import Recipe
from xnorkit.train.sources import load_pretrained, load_teacher, source_checkpoint
from xnorkit.train.stages import StageSwitch, build_model

__all__ = ["BestEpoch", "FitResult", "fit"]


@dataclass(frozen=True)
class BestEpoch:
    """The epoch that was best on the selection split; accuracy (top-1) is that of the evaluation split."""

    checkpoint: Path
    epoch: int
    selection_accuracy: float
    accuracy: float


@dataclass(frozen=True)
class FitResult:
    """What a run reached after its last epoch.

    accuracy (top-1), top5 (None below 5 classes) and loss are of `images` images of the evaluation split that `split`
    names, seconds of all epochs of the run. `test_flip` tells whether all accuracies are with test-time flip. `best` is
    None where nothing is held out to choose by.
    """

    recipe: str
    checkpoint: Path
    split: str
    images: int
    accuracy: float
    top5: float | None
    loss: float
    seconds: float
    epochs: int
    test_flip: bool = False
    best: BestEpoch | None = None

    @property
    def is_first_process(self) -> bool:
        """Whether this process, of the several of a run, is the one that speaks."""
        return process_rank() == 0

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values; checkpoint is None where none was written (fast_dev_run)."""
        best = {**asdict(self.best), "checkpoint": str(self.best.checkpoint)} if self.best else None
        written = str(self.checkpoint) if self.checkpoint.is_file() else None
        return {**asdict(self), "checkpoint": written, "best": best}


def fit(
    recipe: Recipe,
    *,
    output: Path | str,
    data_root: Path | str | None = None,
    download: bool = False,
    resume: Path | str | None = None,
    pretrained: Path | str | None = None,
    overwrite: bool = False,
    progress: bool = True,
    threads: int | None = None,
    hardware: Hardware | None = None,
    model: nn.Module | None = None,
    data: ImageData | None = None,
    callbacks: Sequence[Any] = (),
    logger: Any = None,
) -> FitResult:
    """Train `recipe` and return the result of its last epoch.

    Written into `output`: `recipe.yaml`; after every epoch `last.ckpt` (replaced atomically), a row of `log.csv`, and
    figures for TensorBoard where that is installed; `best.ckpt` if the recipe has a selection split; at the end
    `result.json`; and `.xnorkit`, which lists these files and is locked during the run. Nothing else in the
    folder is replaced or removed. A run that ends before its first checkpoint leaves nothing; a run that it was to
    replace is back. A resumed run continues as if it had not been interrupted: order and augmentation of the data
    depend on (seed, epoch) only. A teacher that the recipe names by its recipe is trained first, into `teacher/`, and
    so is a network to start from, into `initialisation/`; one that is both is trained once, into `teacher/`.

    Args:
        recipe: see `load_recipe`.
        output: folder, made if absent.
        data_root: folder of the data set's files.
        download: fetch absent data.
        resume: a checkpoint, or "last" for the one in `output`.
        pretrained: a checkpoint whose weights a new run starts with, where names and shapes agree.
        overwrite: replace a run that is in `output`.
        progress: a line per epoch on standard error, with a bar on a terminal.
        threads: as in `hardware`, and above it.
        hardware: processes, devices and limits; by default one device.
        model: trained in place of the recipe's, and changed in place; `load_checkpoint(path, model)` reads it again.
        data: taken in place of the recipe's data set; made for one process, with the recipe's size of a batch.
        callbacks: of Lightning, in addition to those of the run.
        logger: of Lightning, or its name ("csv", "tensorboard", "wandb", "mlflow"), or a list of them. `log.csv` is
            always written, and the figures for TensorBoard where that is installed.

    Raises:
        RecipeError: the recipe names something unknown, or differs from that of the checkpoint in more than epochs; it
            has `initialise`, and `pretrained` is given too.
        DataError: data missing or damaged.
        InputError: no readable checkpoint to resume from; an output folder that holds another run or files of
            somebody else's, or that another process trains in; not the hardware that was asked for.
        OutputError: the output folder cannot be written, at the start or later, as on a disk that is full.
        XnorkitError: the loss became NaN or infinite.
    """
    hardware = hardware or Hardware()
    hardware = replace(hardware, threads=hardware.threads if threads is None else threads)
    folder = RunFolder(output)
    with folder.held(writes=not hardware.fast_dev_run):
        return _fit(
            recipe,
            folder,
            hardware,
            data_root=data_root,
            download=download,
            resume=resume,
            pretrained=pretrained,
            overwrite=overwrite,
            progress=progress,
            given=_Given(model, data, tuple(callbacks), logger),
        )


@dataclass(frozen=True)
class _Given:
    """What the caller brings instead of, or in addition to, what a recipe names."""

    model: nn.Module | None
    data: ImageData | None
    callbacks: tuple[Any, ...]
    logger: Any


def _fit(
    recipe: Recipe,
    folder: RunFolder,
    hardware: Hardware,
    *,
    data_root: Path | str | None,
    download: bool,
    resume: Path | str | None,
    pretrained: Path | str | None,
    overwrite: bool,
    progress: bool,
    given: _Given,
) -> FitResult:
    """Train in a folder that no other process writes to."""
    start = None
    if resume is not None:
        start, recipe = _start(recipe, folder.last if resume == "last" else Path(resume))
    writes = not hardware.fast_dev_run
    if writes:
        folder.check(recipe, resumed=start is not None, overwrite=overwrite)
    _check_sources(recipe, folder, start, pretrained, overwrite)
    # Imported here: the trainer takes seconds to import, and reading a checkpoint does not need it.
    from xnorkit.train.loggers import make_loggers
    from xnorkit.train.run import Run

    done = read_checkpoint(start).epochs_done if start else 0
    if done == recipe.epochs and progress and process_rank() == 0:
        print(f"{start} is finished: all {done} epochs are done, only evaluated. More: epochs=N.", file=sys.stderr)
    with _threads(hardware.threads), TemporaryDirectory() as scratch:
        loggers = make_loggers(given.logger, folder.path, recipe.name)
        run = Run(recipe, hardware, folder, done, progress, callbacks=given.callbacks, loggers=loggers)
        if given.data is not None:
            data = _checked(recipe, given.data, run.trainer.world_size)
        else:
            share: dict[str, int] = {"rank": run.trainer.global_rank, "world_size": run.trainer.world_size}
            data = _data(recipe, data_root, **share, workers=hardware.workers, download=download)
        _check_data(recipe, data, start, given.model)
        trained: dict[Path, Path] = {}  # folder to checkpoint of what the recipe needs first

        def train_first(own: Recipe, place: Path) -> Path:
            if hardware.fast_dev_run:
                return _untrained(own, data, Path(scratch) / f"{place.name}.ckpt")
            if place not in trained:
                last = "last" if start is not None and RunFolder(place).last.is_file() else None
                same: dict[str, Any] = {"data_root": data_root, "download": download, "progress": progress}
                same |= {"hardware": hardware, "data": given.data}
                result = fit(own, output=place, resume=last, overwrite=overwrite, **same)
                trained[place] = result.checkpoint
            return trained[place]

        def prepare_with(path: Path | str, option: str) -> Callable[[nn.Module], None]:
            read_checkpoint(Path(path))  # what is wrong with it is said before a teacher is trained
            return _starting_with(Path(path), data, progress, option)

        if writes:
            folder.begin(recipe, resumed=start is not None)
        prepare = None if pretrained is None else prepare_with(pretrained, "pretrained")
        if start is None and recipe.initialise is not None:
            shared = recipe.teacher is not None and recipe.teacher.recipe == recipe.initialise.recipe
            place = folder.teacher if shared else folder.initialisation
            source = source_checkpoint("initialise", recipe.initialise, lambda own: train_first(own, place))
            prepare = None if source is None else prepare_with(source, "initialise")
        teacher = load_teacher(recipe, data, lambda own: train_first(own, folder.teacher))
        continued = None if start is None else str(start)
        outcome = run.train(data, start=continued, teacher=teacher, prepare=prepare, model=given.model)
    last, best = outcome.last, outcome.best
    limited = "" if hardware.limit_eval_batches is None else f", {outcome.images:,} images of it"
    result = FitResult(
        recipe=recipe.name,
        checkpoint=folder.last,
        split=split_words(data.split_name, recipe.test_flip) + limited,
        images=outcome.images,
        accuracy=last["eval_accuracy"],
        top5=last.get("eval_top5"),
        loss=last["eval_loss"],
        seconds=outcome.seconds,
        epochs=recipe.epochs,
        test_flip=recipe.test_flip,
        best=BestEpoch(folder.best, int(best["epoch"]), best["select_accuracy"], best["eval_accuracy"])
        if best
        else None,
    )
    if result.is_first_process and writes:
        folder.write_result(json.dumps({**result.to_json(), "fields": recipe.to_dict()}, indent=2) + "\n")
    return result


def _check_sources(
    recipe: Recipe, folder: RunFolder, start: Path | None, pretrained: Path | str | None, overwrite: bool
) -> None:
    """Refuse two sources of first weights, and one that the run would replace."""
    if pretrained is not None and recipe.initialise is not None:
        raise RecipeError(
            f"recipe '{recipe.name}' has the field initialise, and pretrained {pretrained} was given, but there must "
            "be one source of weights. Leave pretrained out, or give initialise=null."
        )
    named = None if recipe.initialise is None or start is not None else recipe.initialise.checkpoint
    for source in (start, pretrained, named):
        if overwrite and source is not None and folder.path.resolve() in Path(source).resolve().parents:
            raise InputError(
                f"{source} is in the run to replace, but it must be elsewhere. Choose another folder for the new run, "
                "or resume."
            )


def _data(recipe: Recipe, root: Path | str | None, *, rank: int, world_size: int, **options: Any) -> ImageData:
    """Return the data of one process, whose share of a batch is the same as that of the others."""
    parts = recipe.accumulate * world_size
    if recipe.batch_size % parts or recipe.batch_size < 2 * parts:
        raise RecipeError(
            f"recipe '{recipe.name}': batch_size={recipe.batch_size} for {world_size} processes, accumulate="
            f"{recipe.accumulate}, but it must be a multiple of {parts}, with 2 images in a part. Change batch_size or "
            "devices."
        )
    share = {"batch_size": recipe.batch_size // parts, "rank": rank, "world_size": world_size}
    return create_data(recipe.data.name, root, recipe.data.options(seed=recipe.seed, **share, **options))


def _checked(recipe: Recipe, data: ImageData, world_size: int) -> ImageData:
    """Return data that the caller made, if a batch of theirs is what the recipe and the hardware need."""
    if not isinstance(data, ImageData):
        raise InputError(
            f"data is a {type(data).__name__}, but it must be an xnorkit.data.ImageData, such as MemoryData."
        )
    expected = recipe.batch_size // recipe.accumulate
    if world_size != 1 or data.options.batch_size != expected:
        raise InputError(
            f"data has batches of {data.options.batch_size} for {world_size} processes, but it must have batch_size="
            f"{expected}, that of recipe '{recipe.name}', for one process. Change its options, or name the data in the "
            "recipe."
        )
    return data


def _check_data(recipe: Recipe, data: ImageData, start: Path | None, model: nn.Module | None) -> None:
    """Refuse data that the model, the checkpoint to continue from, or the recipe's rules do not fit."""
    if model is None:
        _check_shape(recipe, data)
    if start is not None:
        _check_preparation(start, data)
    check_groups(recipe, data.num_classes, model)
    if recipe.test_flip:
        check_flip(data.preparation)


def _check_shape(recipe: Recipe, data: ImageData) -> None:
    """Refuse images of another shape than the recipe's model takes."""
    expected = input_shape(recipe.model.name)
    if data.input_shape != expected and (recipe.data.image_size is None or data.input_shape[0] != expected[0]):
        raise RecipeError(
            f"recipe '{recipe.name}': data '{data.name}' has images {data.input_shape}, but they must be {expected} "
            f"(C, H, W) for model '{recipe.model.name}'. Choose another model or data."
        )


def _starting_with(path: Path, data: ImageData, progress: bool, option: str) -> Callable[[nn.Module], None]:
    def prepare(model: nn.Module) -> None:
        line = load_pretrained(model, path, data.preparation, option)
        if progress and process_rank() == 0:
            print(line, file=sys.stderr)

    return prepare


def _untrained(recipe: Recipe, data: ImageData, path: Path) -> Path:
    """Write a checkpoint of random weights to `path` and return that: in a trial, a network need not have learned."""
    model = build_model(recipe, data.num_classes, data.mean, data.std)
    StageSwitch(model, recipe.all_stages()).enter(len(recipe.all_stages()) - 1)
    write_weights(path, model, recipe, data.num_classes, mean=data.mean, std=data.std, preparation=data.preparation)
    return path


def _start(recipe: Recipe, path: Path) -> tuple[Path, Recipe]:
    """Return `path` and `recipe` if it may continue from the checkpoint there, with the clamp of that."""
    checkpoint = read_checkpoint(path)
    before = checkpoint.recipe
    recipe = replace(recipe, clamp=before.clamp)
    if not checkpoint.resumable:
        raise InputError(f"{path} holds weights alone, but to resume it must be a last.ckpt. Use pretrained {path}.")
    if checkpoint.epochs_done > recipe.epochs:
        raise RecipeError(
            f"epochs={recipe.epochs}, but to continue it must be at least {checkpoint.epochs_done}: {path} has done "
            "that many."
        )
    if replace(before, epochs=recipe.epochs, name=recipe.name, description=recipe.description) != recipe:
        ours, theirs = recipe.to_dict(), before.to_dict()
        different = [key for key in ours if ours[key] != theirs[key] and key not in ("epochs", "name", "description")]
        raise RecipeError(
            f"{path} was trained with another {', '.join(different)} than recipe '{recipe.name}', but all fields "
            "except epochs must be the same. Resume with the recipe and overrides of the first run, or start a new run."
        )
    return path, recipe


def _check_preparation(path: Path, data: ImageData) -> None:
    """Refuse to continue with images prepared differently from those that a checkpoint was trained with."""
    stored = read_checkpoint(path).preparation
    if stored is not None and stored != data.preparation:
        raise InputError(
            f"{path} was trained on images prepared differently from those of '{data.name}' (order of channels, "
            "transposition, mean image or whitening), but they must be prepared alike. Choose the data of the first "
            "run, or start a new one."
        )


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Run the block with that many PyTorch threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
