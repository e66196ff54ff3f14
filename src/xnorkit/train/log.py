"""One row per epoch, in a CSV file and on standard error."""

import csv
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from xnorkit.train._lightning import pl
from xnorkit.train.recipe import StageSpec
from xnorkit.train.stages import stage_at

__all__ = ["EpochLog"]

METRICS = ("train_loss", "train_accuracy", "eval_loss", "eval_accuracy", "flip_ratio")
COLUMNS = ("epoch", "stage", "lr", *METRICS, "seconds")


class EpochLog(pl.Callback):
    """Appends a row after each epoch; a resumed run keeps the rows before the epoch that it resumes at.

    Args:
        path: CSV file with a header of `COLUMNS`; epochs count from 1, seconds are those of the epoch, flip_ratio is
            empty where no weight is binary.
        keep: rows of an earlier run to keep; 0 begins anew.
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

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the row; the evaluation of the epoch has run by now."""
        values = {name: trainer.callback_metrics[name].item() for name in METRICS}
        metrics = {name: "" if math.isnan(value) else f"{value:.9g}" for name, value in values.items()}
        stage = self.stages[stage_at(self.stages, trainer.current_epoch)[0]].name
        row = {
            "epoch": str(trainer.current_epoch + 1),
            "stage": stage,
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
                f"epoch {row['epoch']}/{trainer.max_epochs}{stage and f' ({stage})'}  "
                f"train loss {values['train_loss']:.4f}  "
                f"train {values['train_accuracy']:.2%}  evaluation {values['eval_accuracy']:.2%}  "
                + (f"flips {values['flip_ratio']:.2%}  " if row["flip_ratio"] else "")
                + f"{float(row['seconds']):.1f} s",
                file=sys.stderr,
                flush=True,
            )

    def _read(self) -> list[dict[str, str]]:
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
