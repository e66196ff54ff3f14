"""Figures for TensorBoard, where it is installed."""

import contextlib
import importlib.util
import math
from pathlib import Path
from typing import Any

from xnorkit.owned import writing
from xnorkit.train._lightning import pl

__all__ = ["TensorBoardLog", "has_tensorboard"]

EVERY = 50  # steps


def has_tensorboard() -> bool:
    """Return whether the package tensorboard, an extra of this one, is installed."""
    return importlib.util.find_spec("tensorboard") is not None


class TensorBoardLog(pl.Callback):
    """Writes the loss and the learning rate of every 50th step, and the figures of each epoch, into `folder`.

    A resumed run goes on in the same folder; what an interrupted epoch had written is superseded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Open the event file."""
        if trainer.is_global_zero:
            from torch.utils.tensorboard import SummaryWriter

            with writing(self.folder):
                self._writer = SummaryWriter(str(self.folder), purge_step=trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Write loss and learning rate."""
        if self._writer is not None and trainer.global_step % EVERY == 0:
            with writing(self.folder):
                self._writer.add_scalar("step/loss", outputs["loss"].item(), trainer.global_step)
                self._writer.add_scalar("step/lr", trainer.optimizers[0].param_groups[0]["lr"], trainer.global_step)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write the figures of the epoch, under its number of steps."""
        if self._writer is not None:
            with writing(self.folder):
                for name, value in pl_module.figures.items():
                    if not math.isnan(value):
                        self._writer.add_scalar(name.replace("_", "/", 1), value, trainer.global_step)
                self._writer.flush()

    def teardown(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        """Close the event file."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with contextlib.suppress(OSError):  # a full disk was told of by the file that could not be written
                writer.close()
