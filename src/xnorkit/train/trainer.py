"""The trainer of a run: Lightning's, with the callbacks of this library."""

from typing import Any

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException

from xnorkit.errors import InputError
from xnorkit.train._lightning import pl
from xnorkit.train.folder import RunFolder
from xnorkit.train.machine import Hardware
from xnorkit.train.recipe import Recipe
from xnorkit.train.saving import WholeFiles

__all__ = ["make_trainer"]


def make_trainer(recipe: Recipe, hardware: Hardware, callbacks: list[Any], folder: RunFolder) -> pl.Trainer:
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
            logger=False,
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
