"""Going on from a checkpoint: what in it does not fit is said in one line, and nothing goes on from another epoch."""

import contextlib
from collections.abc import Iterator
from typing import Any

from xnorkit.errors import InputError, XnorkitError
from xnorkit.train._lightning import pl

__all__ = ["FirstStep", "check_state", "resuming"]


class FirstStep(pl.Callback):
    """Knows whether a run has taken a step, and refuses to take the first one of another epoch than `epochs_done`."""

    def __init__(self, epochs_done: int) -> None:
        self.epochs_done, self.taken = epochs_done, False

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Compare the epoch that the loops go on with."""
        if trainer.current_epoch != self.epochs_done:
            raise ValueError(
                f"its loops go on with epoch {trainer.current_epoch + 1}, its weights are of epoch {self.epochs_done}"
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
            f"{start} cannot be resumed, the state of its optimizer or loops does not fit ({type(error).__name__}: "
            f"{reason[:200]}); required: a last.ckpt as `xnorkit train` wrote it, and its recipe. To start a new run "
            f"with its weights, use --pretrained {start}."
        ) from error
