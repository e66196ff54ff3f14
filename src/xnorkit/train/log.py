"""What a run tells of its epochs: a row in a CSV file and on standard error, and figures for TensorBoard."""

import contextlib
import csv
import importlib.util
import io
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xnorkit.owned import write_whole, writing
from xnorkit.train._lightning import pl
from xnorkit.train.recipe import StageSpec
from xnorkit.train.stages import stage_at

__all__ = ["EpochLog", "TensorBoardLog", "has_tensorboard"]

SPLITS = ("train", "eval", "select")
METRICS = (*(f"{split}_{figure}" for split in SPLITS for figure in ("loss", "accuracy", "top5")), "flip_ratio")
COLUMNS = ("epoch", "stage", "lr", *METRICS, "seconds")


class EpochLog(pl.Callback):
    """Appends a row after each epoch; a resumed run keeps the rows before the epoch that it resumes at.

    Not Lightning's CSVLogger: it overwrites an existing file, sorts the columns, and a crash may cut the file.

    Args:
        path: CSV file with a header of `COLUMNS`; epochs count from 1, seconds are those of the epoch. Empty are the
            top-5 figures of fewer than 5 classes, `select_` without a selection split, and flip_ratio where no weight
            is binary.
        keep: rows of an earlier run to keep; 0 starts an empty file.
        show: print each row on standard error too.
        stages: of the recipe, for their names.
    """

    def __init__(self, path: Path, keep: int, show: bool, stages: Sequence[StageSpec]) -> None:
        self.path, self.show, self.stages = path, show, stages
        self.rows = self._read()[:keep] if keep else []
        self._started = 0.0

    @property
    def seconds(self) -> float:
        """Time of all epochs, those of an earlier run included."""
        return sum(float(row["seconds"]) for row in self.rows)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start the clock, and announce a stage."""
        self._started = time.perf_counter()
        index, first = stage_at(self.stages, trainer.current_epoch)
        if self.show and trainer.is_global_zero and len(self.stages) > 1 and first == trainer.current_epoch:
            _print(f"stage {index + 1}/{len(self.stages)}: {self.stages[index].name}")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write the row; the evaluation of the epoch has run by now."""
        if not trainer.is_global_zero:
            return
        figures: dict[str, float] = pl_module.figures
        row = {
            "epoch": str(trainer.current_epoch + 1),
            "stage": self.stages[stage_at(self.stages, trainer.current_epoch)[0]].name,
            "lr": f"{trainer.optimizers[0].param_groups[0]['lr']:.6g}",
            **{name: _number(figures.get(name, math.nan)) for name in METRICS},
            "seconds": f"{time.perf_counter() - self._started:.3f}",
        }
        self.rows.append(row)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(self.path, text.getvalue().encode())
        if self.show:
            _print(_line(trainer, figures, float(row["seconds"]), pl_module.recipe.test_flip))

    def _read(self) -> list[dict[str, str]]:
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.9g}"


def _line(trainer: pl.Trainer, figures: dict[str, float], seconds: float, test_flip: bool = False) -> str:
    """Return an epoch in at most 80 columns, for up to 999 epochs and accuracies below 100 %.

    With test-time flip the line says so, and leaves the top-5 to the file.
    """
    parts = [
        f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}",
        f"loss {figures['train_loss']:.3f}",
        f"train {figures['train_accuracy']:.1%}",
        f"eval {figures['eval_accuracy']:.2%}{' (with flip)' if test_flip else ''}",
        f"top-5 {figures['eval_top5']:.1%}" if "eval_top5" in figures and not test_flip else "",
        "" if math.isnan(figures["flip_ratio"]) else f"flips {figures['flip_ratio']:.2%}",
        f"{seconds:.1f}s" if seconds < 100 else f"{seconds:.0f}s",
    ]
    return " ".join(filter(None, parts))


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


EVERY = 50  # steps


def has_tensorboard() -> bool:
    """Return whether the package tensorboard, an extra of this one, is installed."""
    return importlib.util.find_spec("tensorboard") is not None


class TensorBoardLog(pl.Callback):
    """Writes the loss and the learning rate of every 50th step, and the figures of each epoch, into `folder`.

    A resumed run continues in the same folder; what an interrupted epoch had written is superseded. Not Lightning's
    TensorBoardLogger: it learns before the data are read at which step a run continues, and adds a file of its own.
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
