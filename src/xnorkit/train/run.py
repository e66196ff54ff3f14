"""Drives the trainer through the epochs of a recipe."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from lightning.fabric.plugins.environments import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import nn

from xnorkit.data import ImageData
from xnorkit.errors import InputError
from xnorkit.train._lightning import pl
from xnorkit.train.checkpoint import read_checkpoint
from xnorkit.train.folder import RunFolder
from xnorkit.train.log import EpochLog
from xnorkit.train.machine import Hardware
from xnorkit.train.module import TrainingModule
from xnorkit.train.progress import EpochBar
from xnorkit.train.quiet import quiet_trainer
from xnorkit.train.recipe import Recipe
from xnorkit.train.saving import SaveBest, SaveLast
from xnorkit.train.tensorboard import TensorBoardLog, has_tensorboard

__all__ = ["Outcome", "run"]


@dataclass(frozen=True)
class Outcome:
    """Time of all epochs, the figures of the last one (`TrainingModule.figures`), and those of the best, if chosen."""

    seconds: float
    last: dict[str, float]
    best: dict[str, float]


def run(
    recipe: Recipe,
    make_data: Callable[[int, int], ImageData],
    *,
    folder: RunFolder,
    start: str | None,
    progress: bool,
    hardware: Hardware,
    teacher: nn.Module | None = None,
    prepare: Callable[[nn.Module], None] | None = None,
) -> Outcome:
    """Train, from the checkpoint `start` if given, and return what was reached.

    Args:
        recipe: see `load_recipe`.
        make_data: returns the data for (number of this process, number of processes).
        folder: where checkpoints and logs go; nothing is written with `hardware.fast_dev_run`.
        start: checkpoint to continue from.
        progress: see `fit`.
        hardware: processes, devices and limits.
        teacher: network to imitate, if the recipe has one.
        prepare: called with the model before a run that does not continue another, to load weights.

    Raises:
        InputError: the trainer cannot run on this hardware.
    """
    torch.manual_seed(recipe.seed)
    writes = not hardware.fast_dev_run
    done = read_checkpoint(start).epochs_done if start else 0
    rows = EpochLog(folder.log, keep=done, show=progress, stages=recipe.all_stages())
    best = SaveBest(folder.best)
    callbacks: list[Any] = [rows] if writes else []
    callbacks += [TensorBoardLog(folder.tensorboard)] if writes and has_tensorboard() else []
    callbacks += [EpochBar()] if progress and sys.stderr.isatty() else []
    callbacks += [best] if writes and recipe.data.selection else []
    callbacks += [SaveLast(folder.last)] if writes else []
    with quiet_trainer():
        trainer = _trainer(recipe, hardware, callbacks, folder)
        data = make_data(trainer.global_rank, trainer.world_size)
        batches = data.train_dataloader()
        count = min(len(batches), hardware.limit_train_batches or len(batches))
        module = TrainingModule(
            recipe,
            data.num_classes,
            math.ceil(count / recipe.accumulate),
            teacher=teacher,
            mean=data.mean,
            std=data.std,
        )
        if prepare is not None and start is None:
            prepare(module.model)
        looked_at = [data.test_dataloader()]
        try:
            trainer.fit(module, batches, looked_at, ckpt_path=start)
            if not module.figures:  # a finished run was resumed
                trainer.validate(module, looked_at, verbose=False)
        except SystemExit as error:  # what the trainer makes of the interrupt key
            raise KeyboardInterrupt from error
    return Outcome(rows.seconds, module.figures, best.best)


def _trainer(recipe: Recipe, hardware: Hardware, callbacks: list[Any], folder: RunFolder) -> pl.Trainer:
    devices = hardware.devices
    numbers: Any = [int(n) for n in devices.split(",") if n] if "," in devices else devices
    # On a requeue the trainer would write and resume a checkpoint of its own in the middle of an epoch.
    slurm = [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
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
            use_distributed_sampler=False,  # the samplers of the data know rank and epoch
            plugins=slurm,
            logger=False,
            callbacks=callbacks,
            enable_checkpointing=any(isinstance(c, SaveLast) for c in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder.path,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the trainer cannot run so: {reason} Change --devices, --accelerator or --strategy.") from error
