"""Keeps the state of the last epoch, and of the best one where there is something to choose by."""

from pathlib import Path
from typing import Any

from xnorkit.train._lightning import pl

__all__ = ["SaveBest", "SaveLast"]

CRITERION = "select_accuracy"


class SaveLast(pl.callbacks.Checkpoint):
    """Replaces `path` after each epoch.

    The state is written beside it and renamed, so that an interruption leaves the epoch before. Lightning's own
    callback goes through the system's temporary folder; from there a file on another disk is copied, not renamed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Save; checkpoint callbacks run after all others and after the module's own check."""
        save(trainer, self.path)


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
            save(trainer, self.path)

    def state_dict(self) -> dict[str, Any]:
        """Return the figures of the best epoch."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.best = state_dict["best"]


def save(trainer: pl.Trainer, path: Path) -> None:
    """Write the state of the run and rename it to `path`."""
    draft = path.with_name(f"{path.name}.part")
    trainer.save_checkpoint(draft)
    if trainer.is_global_zero:
        draft.replace(path)
