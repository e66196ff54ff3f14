"""One row per epoch, in a CSV file and on standard error."""

import csv
import sys
import time
from pathlib import Path

from xnorkit.train._lightning import pl

__all__ = ["EpochLog"]

COLUMNS = ("epoch", "lr", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds")


class EpochLog(pl.Callback):
    """Appends a row after each epoch; a resumed run keeps the rows before the epoch that it resumes at.

    Args:
        path: CSV file with a header of `COLUMNS`; epochs count from 1, seconds are those of the epoch.
        keep: rows of an earlier run to keep; 0 begins anew.
        show: print each row on standard error too.
    """

    def __init__(self, path: Path, keep: int, show: bool) -> None:
        self.path, self.show = path, show
        self.rows = self._read()[:keep] if keep else []
        self._started = 0.0

    @property
    def seconds(self) -> float:
        """Time of all epochs, those of an earlier run included."""
        return sum(float(row["seconds"]) for row in self.rows)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the row; the evaluation of the epoch has run by now."""
        metrics = {name: f"{trainer.callback_metrics[name].item():.9g}" for name in COLUMNS[2:-1]}
        row = {
            "epoch": str(trainer.current_epoch + 1),
            "lr": f"{trainer.optimizers[0].param_groups[0]['lr']:.6g}",
            **metrics,
            "seconds": f"{time.perf_counter() - self._started:.3f}",
        }
        self.rows.append(row)
        with self.path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        if self.show:
            print(
                f"epoch {row['epoch']}/{trainer.max_epochs}  train loss {float(row['train_loss']):.4f}  "
                f"train {float(row['train_accuracy']):.2%}  test {float(row['test_accuracy']):.2%}  "
                f"{float(row['seconds']):.1f} s",
                file=sys.stderr,
                flush=True,
            )

    def _read(self) -> list[dict[str, str]]:
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
