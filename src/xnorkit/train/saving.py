"""The checkpoints of a run: the last epoch, the best one if there are images to choose by, and going on from them."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from xnorkit.errors import InputError, XnorkitError
from xnorkit.owned import SPACE, whole_file
from xnorkit.train._lightning import TorchCheckpointIO, pl

__all__ = ["FirstStep", "SaveBest", "SaveLast", "WholeFiles", "check_state", "resuming"]

CRITERION = "select_accuracy"


class SaveLast(pl.callbacks.Checkpoint):
    """Replaces `path` atomically after each epoch (`WholeFiles`): an interruption leaves the previous epoch.

    Not Lightning's ModelCheckpoint: that writes absolute paths into the checkpoint, and in a folder that was moved it
    forgets which epoch was the best.
    """

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
    """Writes checkpoints next to their final path and renames them when they are on the disk.

    Lightning's own goes through the system's temporary folder; from there a file on another disk is copied, not
    renamed.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint atomically; OutputError if the disk does not take it."""
        buffer = io.BytesIO()  # straight to a file, PyTorch reports a full disk as a fault of its own
        torch.save(checkpoint, buffer)
        remedy = SPACE
        if Path(path).exists():
            remedy += f". {path} is still whole, from the epoch before. Make space, and continue with resume 'last'"
        with whole_file(Path(path), remedy) as draft:
            draft.write_bytes(buffer.getbuffer())


class FirstStep(pl.Callback):
    """Knows whether a run has taken a step, and refuses to take the first one of another epoch than `epochs_done`."""

    def __init__(self, epochs_done: int) -> None:
        self.epochs_done, self.taken = epochs_done, False

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Compare the epoch with which the loops continue."""
        if trainer.current_epoch != self.epochs_done:
            raise ValueError(
                f"its loops continue with epoch {trainer.current_epoch + 1}, but its weights are of epoch "
                f"{self.epochs_done}"
            )

    def on_train_batch_end(self, *_: Any) -> None:
        """Take note of a step."""
        self.taken = True


def check_state(checkpoint: dict[str, Any]) -> None:
    """Raise ValueError for a state that the trainer would pass over, to begin with a new one."""
    for what in ("optimizer_states", "lr_schedulers"):
        states = checkpoint.get(what)
        if not isinstance(states, list) or len(states) != 1 or not isinstance(states[0], dict) or not states[0]:
            raise ValueError(f"it holds no state of one optimizer and schedule under {what}")
    loops = checkpoint.get("loops")
    if not isinstance(loops, dict) or not isinstance(loops.get("fit_loop"), dict):
        raise ValueError("it holds no state of the loops")


@contextlib.contextmanager
def resuming(start: str | None, first: FirstStep) -> Iterator[None]:
    """Turn what goes wrong before the first step of a run resumed from `start` into an InputError that names it."""
    try:
        yield
    except (XnorkitError, OSError, MemoryError):
        raise
    except Exception as error:  # the trainer and PyTorch take the state as it comes, and fail anywhere
        if start is None or first.taken or "memory" in str(error):
            raise
        reason = " ".join(str(error).split())
        raise InputError(
            f"{start} cannot be resumed, because the state of its optimizer or loops does not fit "
            f"({type(error).__name__}: {reason[:200]}), but it must be a last.ckpt as `xnorkit train` wrote it, with "
            f"its recipe. To start a new run with its weights, use pretrained {start}."
        ) from error
