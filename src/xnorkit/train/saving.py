"""Keeps the state of the last epoch, and of the best one where there is something to choose by."""

import io
from pathlib import Path
from typing import Any

import torch

from xnorkit.owned import whole_file
from xnorkit.train._lightning import TorchCheckpointIO, pl

__all__ = ["SaveBest", "SaveLast", "WholeFiles"]

CRITERION = "select_accuracy"


class SaveLast(pl.callbacks.Checkpoint):
    """Replaces `path` after each epoch, as a whole (`WholeFiles`): an interruption leaves the epoch before."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Save; checkpoint callbacks run after all others and after the module's own check."""
        trainer.save_checkpoint(self.path)


class SaveBest(pl.callbacks.Checkpoint):
    """Replaces `path` after each epoch that is better on the selection split than all before.

    What was best is part of the state of a run. It must stand before `SaveLast` among the callbacks, so that the last
    checkpoint knows of the best one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best: dict[str, float] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Save, if this epoch is the best."""
        figures: dict[str, float] = pl_module.figures
        if not self.best or figures[CRITERION] > self.best[CRITERION]:
            self.best = {"epoch": trainer.current_epoch + 1, **figures}
            trainer.save_checkpoint(self.path)

    def state_dict(self) -> dict[str, Any]:
        """Return the figures of the best epoch."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.best = state_dict["best"]


class WholeFiles(TorchCheckpointIO):
    """Writes checkpoints beside their place and renames them when they are on the disk.

    Lightning's own goes through the system's temporary folder; from there a file on another disk is copied, not
    renamed.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint as a whole; OutputError if the disk does not take it."""
        buffer = io.BytesIO()  # straight to a file, PyTorch reports a full disk as a fault of its own
        torch.save(checkpoint, buffer)
        remedy = "a folder that can be written, on a disk with space"
        if Path(path).exists():
            remedy += f". {path} is still whole, of an epoch before: mend that, and go on with --resume last"
        with whole_file(Path(path), remedy) as draft:
            draft.write_bytes(buffer.getbuffer())
