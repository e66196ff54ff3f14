"""Keeps the state of the last epoch."""

from pathlib import Path

from xnorkit.train._lightning import pl

__all__ = ["SaveLast"]


class SaveLast(pl.callbacks.Checkpoint):
    """Replaces `path` after each epoch.

    The state is written beside it and renamed, so that an interruption leaves the epoch before. Lightning's own
    callback goes through the system's temporary folder; from there a file on another disk is copied, not renamed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save; checkpoint callbacks run after all others and after the module's own check."""
        draft = self.path.with_name(f"{self.path.name}.part")
        trainer.save_checkpoint(draft)
        draft.replace(self.path)
