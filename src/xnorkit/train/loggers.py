"""Loggers of Lightning by name, and the figures of each epoch for them."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xnorkit.errors import InputError
from xnorkit.train._lightning import pl
from xnorkit.train.log import has_tensorboard

__all__ = ["LOGGERS", "FigureLog", "make_loggers"]

LOGGERS = {"csv": "", "tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}
"""Name -> the module that it needs. The first two are written anyway, by `xnorkit.train.log`."""


class FigureLog(pl.Callback):
    """Hands the figures of each epoch to the loggers of the trainer, under its number of steps."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Log the figures; the evaluation of the epoch has run by now."""
        figures = {name: value for name, value in pl_module.figures.items() if not math.isnan(value)}
        figures["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        for logger in trainer.loggers:
            logger.log_metrics(figures, step=trainer.global_step)


def make_loggers(given: Any, folder: Path, run: str) -> list[Any]:
    """Return loggers of Lightning.

    Args:
        given: None, a logger, a name of `LOGGERS`, or a list of them.
        folder: that of the run, in which loggers by name write.
        run: name of the run.

    Raises:
        InputError: an unknown name, a package that is not installed, or something that is not a logger.
    """
    several = [] if given is None else [given] if isinstance(given, str) or not isinstance(given, Iterable) else given
    loggers = []
    for one in several:
        if isinstance(one, pl.loggers.Logger):
            loggers.append(one)
        elif not isinstance(one, str) or one not in LOGGERS:
            raise InputError(f"logger={one!r}, but it must be one of {', '.join(LOGGERS)}, or a logger of Lightning.")
        elif LOGGERS[one]:
            loggers += _made(one, folder, run)
    return loggers


def _made(name: str, folder: Path, run: str) -> list[Any]:
    try:
        if name == "tensorboard":
            if not has_tensorboard():
                raise ModuleNotFoundError(name)
            return []
        if name == "wandb":
            return [pl.loggers.WandbLogger(name=run, save_dir=folder)]
        return [pl.loggers.MLFlowLogger(run_name=run, save_dir=str(folder / "mlruns"))]
    except ModuleNotFoundError as error:
        raise InputError(
            f"the logger {name} needs the package {LOGGERS[name]}, but it is absent. Run pip install 'xnorkit[{name}]'."
        ) from error
