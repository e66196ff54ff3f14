"""Drives the trainer through the epochs of a recipe."""

import sys
from pathlib import Path

import torch
from torch import nn

from xnorkit.data import ImageData
from xnorkit.train._lightning import pl
from xnorkit.train.checkpoint import read_checkpoint
from xnorkit.train.evaluate import loss_and_accuracy
from xnorkit.train.log import EpochLog
from xnorkit.train.module import TrainingModule
from xnorkit.train.quiet import quiet_trainer
from xnorkit.train.recipe import Recipe
from xnorkit.train.saving import SaveLast

__all__ = ["run"]


def run(
    recipe: Recipe,
    data: ImageData,
    *,
    checkpoint: Path,
    log: Path,
    start: Path | None,
    progress: bool,
    teacher: nn.Module | None = None,
) -> tuple[float, float, float]:
    """Train, from `start` if given, and return (seconds, evaluation loss, evaluation accuracy) after the last epoch.

    Args:
        recipe: see `load_recipe`.
        data: made with the recipe's batch size, seed and shift.
        checkpoint: file to replace after every epoch.
        log: CSV file, see `EpochLog`.
        start: checkpoint to continue from.
        progress: see `fit`.
        teacher: network to imitate, if the recipe has one.
    """
    torch.manual_seed(recipe.seed)
    batches = data.train_dataloader()
    module = TrainingModule(recipe, data.num_classes, len(batches), teacher=teacher, mean=data.mean, std=data.std)
    done = read_checkpoint(start).epochs_done if start else 0
    rows = EpochLog(log, keep=done, show=progress, stages=recipe.all_stages())
    bar = progress and sys.stderr.isatty()
    with quiet_trainer():
        trainer = pl.Trainer(
            max_epochs=recipe.epochs,
            devices=1,
            logger=False,
            callbacks=[rows, SaveLast(checkpoint), *([_bar()] if bar else [])],
            enable_progress_bar=bar,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=checkpoint.parent,
        )
        try:
            trainer.fit(module, batches, data.test_dataloader(), ckpt_path=start)
        except SystemExit as error:  # what the trainer makes of the interrupt key
            raise KeyboardInterrupt from error
    return rows.seconds, *loss_and_accuracy(module.model.eval(), data.test_dataloader())


def _bar() -> pl.Callback:
    return pl.callbacks.RichProgressBar(leave=False, console_kwargs={"stderr": True})
