"""Drives Lightning's trainer through the epochs of a recipe."""

import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from xnorkit.data import ImageData
from xnorkit.data.accuracy import split_words
from xnorkit.errors import InputError, RecipeError
from xnorkit.train._lightning import MisconfigurationException, SLURMEnvironment, pl
from xnorkit.train.folder import RunFolder
from xnorkit.train.log import EpochLog, TensorBoardLog, has_tensorboard
from xnorkit.train.loggers import FigureLog
from xnorkit.train.machine import Hardware
from xnorkit.train.module import EVALUATION, TrainingModule
from xnorkit.train.progress import EpochBar, Heartbeat
from xnorkit.train.recipe import Recipe
from xnorkit.train.saving import FirstStep, SaveBest, SaveLast, WholeFiles, resuming
from xnorkit.train.sign_share import SignShare

__all__ = ["Outcome", "Run", "make_trainer", "quiet_trainer"]

# Batches come from memory, where workers would not help; the second stands between Lightning and torch.
IGNORED = (
    r".*does not have many workers.*",
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*smaller than the logging interval.*",  # figures are logged once per epoch
)
LOGGERS = ("lightning.pytorch", "lightning.fabric")


@contextmanager
def quiet_trainer() -> Iterator[None]:
    """Hide the information messages of Lightning's loggers and the warnings in IGNORED, inside the block."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        with warnings.catch_warnings():
            for message in IGNORED:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def make_trainer(
    recipe: Recipe, hardware: Hardware, callbacks: list[Any], folder: RunFolder, logger: Any = False
) -> pl.Trainer:
    """Return a trainer for `recipe`; it knows the number of processes before they are started.

    Raises:
        InputError: the hardware is not there, or not able to.
    """
    devices = hardware.devices
    numbers: Any = [int(number) for number in devices.removesuffix(",").split(",")] if "," in devices else devices
    # On a requeue the trainer would write a checkpoint of its own in the middle of an epoch, and resume from it.
    slurm: list[Any] = [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
    try:
        return pl.Trainer(
            max_epochs=recipe.epochs,
            accelerator=hardware.accelerator,
            devices=numbers,
            num_nodes=hardware.num_nodes,
            strategy=hardware.strategy,
            precision=recipe.precision,
            accumulate_grad_batches=recipe.accumulate,
            gradient_clip_val=recipe.clip_gradient or None,
            limit_train_batches=hardware.limit_train_batches,
            limit_val_batches=hardware.limit_eval_batches,
            fast_dev_run=hardware.fast_dev_run,
            use_distributed_sampler=False,  # the samplers of the data know process and epoch
            plugins=[*slurm, WholeFiles()],
            logger=logger,
            callbacks=callbacks,
            enable_checkpointing=any(isinstance(callback, pl.callbacks.Checkpoint) for callback in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder.path,
        )
    except (MisconfigurationException, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the trainer refuses: {reason} Change devices, accelerator or strategy.") from error


@dataclass(frozen=True)
class Outcome:
    """What a run reached.

    seconds: of all epochs; last: figures of the last epoch (`TrainingModule.figures`); images: that these are of; best:
    figures of the best epoch and its number `epoch`, empty without a selection split.
    """

    seconds: float
    last: dict[str, float]
    images: int
    best: dict[str, float]


class Run:
    """A recipe with its trainer, before its data and teacher are there.

    Args:
        recipe: see `load_recipe`.
        hardware: processes, devices and limits.
        folder: where checkpoints and logs go; nothing is written with `hardware.fast_dev_run`.
        done: epochs that the run already has if it continues a checkpoint, 0 for a new one.
        progress: see `fit`.
        callbacks, loggers: see `fit`.

    Raises:
        InputError: the trainer cannot run on this hardware.
    """

    def __init__(
        self,
        recipe: Recipe,
        hardware: Hardware,
        folder: RunFolder,
        done: int,
        progress: bool,
        *,
        callbacks: Sequence[Any] = (),
        loggers: Sequence[Any] = (),
    ) -> None:
        self.recipe, self.hardware = recipe, hardware
        self.rows = EpochLog(folder.log, keep=done, show=progress, stages=recipe.all_stages())
        self.best = SaveBest(folder.best)
        self.first = FirstStep(done)
        own: list[Any] = [self.first, SignShare()]
        if progress:
            own += [EpochBar() if sys.stderr.isatty() else Heartbeat()]
        if not hardware.fast_dev_run:
            own += [self.rows]
            own += [TensorBoardLog(folder.tensorboard)] if has_tensorboard() else []
            own += [FigureLog()] if loggers else []
            own += [self.best] if recipe.data.selection else []
            own += [SaveLast(folder.last)]
        with quiet_trainer():
            made: list[Any] = [*own, *callbacks]
            self.trainer: pl.Trainer = make_trainer(recipe, hardware, made, folder, list(loggers) or False)

    def train(
        self,
        data: ImageData,
        *,
        start: str | None,
        teacher: nn.Module | None = None,
        prepare: Callable[[nn.Module], None] | None = None,
        model: nn.Module | None = None,
    ) -> Outcome:
        """Train and return what was reached.

        Args:
            data: made for this process and number of processes.
            start: checkpoint to continue from.
            teacher: network to imitate, if the recipe has one.
            prepare: called with the model of a run that continues no other, to load weights.
            model: trained in place of the recipe's.

        Raises:
            RecipeError: an 8-bit first layer on data that are not pixels.
        """
        word = data.preparation.prepared
        if self.recipe.model.first_layer == "int8" and word is not None:
            raise RecipeError(
                f"model.first_layer=int8 reads pixels, but it must be float: data '{data.name}' holds prepared floats "
                f"({word})."
            )
        torch.manual_seed(self.recipe.seed)
        batches = data.train_dataloader()
        count = min(len(batches), self.hardware.limit_train_batches or len(batches))
        steps = math.ceil(count / self.recipe.accumulate)
        told: dict[str, Any] = {"mean": data.mean, "std": data.std, "preparation": data.preparation}
        told["split"] = split_words(data.split_name, self.recipe.test_flip)
        module = TrainingModule(self.recipe, data.num_classes, steps, teacher=teacher, model=model, **told)
        if prepare is not None and start is None:
            prepare(module.model)
        held_out = data.selection_dataloader()
        looked_at = [data.test_dataloader(), *([] if held_out is None else [held_out])]  # EVALUATION, SELECTION
        with quiet_trainer(), resuming(start, self.first):
            try:
                self.trainer.fit(module, batches, looked_at, ckpt_path=start)
                if not module.figures:  # a finished run was resumed
                    self.trainer.validate(module, looked_at, verbose=False)
            except SystemExit as error:  # what the trainer makes of the interrupt key
                raise KeyboardInterrupt from error
        images = module.tallies[EVALUATION].figures().images
        return Outcome(self.rows.seconds, module.figures, images, self.best.best)
