"""Drives the trainer through the epochs of a recipe."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from xnorkit.data import ImageData
from xnorkit.errors import RecipeError
from xnorkit.train._lightning import pl
from xnorkit.train.evaluate import split_words
from xnorkit.train.folder import RunFolder
from xnorkit.train.log import EpochLog
from xnorkit.train.machine import Hardware
from xnorkit.train.module import EVALUATION, TrainingModule
from xnorkit.train.progress import EpochBar
from xnorkit.train.quiet import quiet_trainer
from xnorkit.train.recipe import Recipe
from xnorkit.train.resuming import FirstStep, resuming
from xnorkit.train.saving import SaveBest, SaveLast
from xnorkit.train.sign_share import SignShare
from xnorkit.train.tensorboard import TensorBoardLog, has_tensorboard
from xnorkit.train.trainer import make_trainer

__all__ = ["Outcome", "Run"]


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
        done: epochs behind the checkpoint that the run continues, 0 for a new one.
        progress: see `fit`.

    Raises:
        InputError: the trainer cannot run on this hardware.
    """

    def __init__(self, recipe: Recipe, hardware: Hardware, folder: RunFolder, done: int, progress: bool) -> None:
        self.recipe, self.hardware = recipe, hardware
        self.rows = EpochLog(folder.log, keep=done, show=progress, stages=recipe.all_stages())
        self.best = SaveBest(folder.best)
        self.first = FirstStep(done)
        callbacks: list[Any] = [self.first, SignShare()]
        callbacks += [EpochBar()] if progress and sys.stderr.isatty() else []
        if not hardware.fast_dev_run:
            callbacks += [self.rows]
            callbacks += [TensorBoardLog(folder.tensorboard)] if has_tensorboard() else []
            callbacks += [self.best] if recipe.data.selection else []
            callbacks += [SaveLast(folder.last)]
        with quiet_trainer():
            self.trainer: pl.Trainer = make_trainer(recipe, hardware, callbacks, folder)

    def train(
        self,
        data: ImageData,
        *,
        start: str | None,
        teacher: nn.Module | None = None,
        prepare: Callable[[nn.Module], None] | None = None,
    ) -> Outcome:
        """Train and return what was reached.

        Args:
            data: made for this process and number of processes.
            start: checkpoint to continue from.
            teacher: network to imitate, if the recipe has one.
            prepare: called with the model of a run that continues no other, to load weights.

        Raises:
            RecipeError: an 8-bit first layer on data that are no pixels.
        """
        word = data.preparation.prepared
        if self.recipe.model.first_layer == "int8" and word is not None:
            raise RecipeError(
                f"model.first_layer=int8 reads pixels, and data '{data.name}' holds prepared floats ({word}); "
                "required: float."
            )
        torch.manual_seed(self.recipe.seed)
        batches = data.train_dataloader()
        count = min(len(batches), self.hardware.limit_train_batches or len(batches))
        steps = math.ceil(count / self.recipe.accumulate)
        told: dict[str, Any] = {"mean": data.mean, "std": data.std, "preparation": data.preparation}
        told["split"] = split_words(data.split_name, self.recipe.test_flip)
        module = TrainingModule(self.recipe, data.num_classes, steps, teacher=teacher, **told)
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
