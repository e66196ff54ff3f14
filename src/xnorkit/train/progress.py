"""How far training is, on standard error: a bar of one line on a terminal, elsewhere a line every half minute."""

import math
import sys
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from xnorkit.train._lightning import pl

__all__ = ["EpochBar", "Heartbeat"]

REFRESH_EVERY = 10  # steps: figures are on the device, and to read them waits for it


class EpochBar(pl.Callback):
    """Shows the epoch (from 1), the step, the time left in the epoch, and loss, top-1, top-5 and flip ratio.

    Loss and accuracies are those of the epoch so far; the flip ratio, which counts whole epochs, that of the last one.
    Not Lightning's RichProgressBar: it reads the figures from the device at every step, and takes two lines or more.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Begin a line."""
        self._close()
        if not trainer.is_global_zero:
            return
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            transient=True,
            expand=True,
        )
        epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        self._task = self._progress.add_task(epoch, total=trainer.num_training_batches, figures="")
        self._progress.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Advance."""
        if self._progress is not None:
            self._progress.update(self._task, completed=batch_idx + 1)
            if batch_idx % REFRESH_EVERY == 0:
                self._progress.update(self._task, figures=describe(pl_module))

    def on_validation_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Say that the rest of the epoch is evaluation."""
        if self._progress is not None:
            self._progress.update(self._task, figures="evaluating")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Clear the line."""
        self._close()

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        """Clear the line, so that the error stands alone."""
        self._close()

    def _close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


class Heartbeat(pl.Callback):
    """Prints a line at least every 30 seconds of training: epoch, step, steps per second, time left in the epoch.

    The evaluation of an epoch prints its lines with its own steps. A step that alone takes longer has its own line.
    """

    def __init__(self, seconds: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = seconds, clock
        self._began = self._said = self._looked = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start the clock."""
        self._said = self._looked = self.clock()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Measure the rate of this epoch."""
        self._began = self.clock()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Print, if the time has come."""
        if self._due(trainer):
            self._say(trainer, "step", batch_idx + 1, int(trainer.num_training_batches), describe(pl_module))

    def on_validation_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Measure the rate of the evaluation."""
        self._began = self.clock()

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: Any, *batch: Any) -> None:
        """Print, if the time has come."""
        if self._due(trainer):
            number, loader = batch[2], batch[3] if len(batch) > 3 else 0
            self._say(trainer, "evaluating, step", number + 1, int(trainer.num_val_batches[loader]), "")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """The line of the epoch is one, too."""
        self._said = self.clock()

    def _due(self, trainer: pl.Trainer) -> bool:
        """Return whether the end of another step like the last one would be too late for the next line."""
        now, last = self.clock(), self._looked
        self._looked = now
        return trainer.is_global_zero and now - self._said + (now - last) > self.seconds

    def _say(self, trainer: pl.Trainer, what: str, step: int, total: int, figures: str) -> None:
        self._said = self.clock()
        rate = step / max(self._said - self._began, 1e-9)
        left = f"{(total - step) / rate:.0f}s left"
        epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        line = f"{epoch} {what} {step}/{total} {rate:.3g}/s {left} {figures}"
        print(line.rstrip(), file=sys.stderr, flush=True)


def describe(module: Any) -> str:
    """Return the figures of the epoch so far, of this process, as text."""
    found = module.training_tally.figures()
    flips = module.figures.get("flip_ratio", math.nan)
    parts = [f"loss {found.loss:.3f}", f"top-1 {found.top1:.1%}"]
    parts += [f"top-5 {found.top5:.1%}"] if module.num_classes >= 5 else []
    parts += [] if math.isnan(flips) else [f"flips {flips:.2%}"]
    return " ".join(parts)
