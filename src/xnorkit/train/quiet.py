"""Keeps the trainer's advertisements and advice off the console; its other warnings pass."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_trainer"]

# Batches come from memory, where workers would not help; the second stands between Lightning and torch.
IGNORED = (
    r".*does not have many workers.*",
    r".*isinstance\(treespec, LeafSpec\).*",
)
LOGGERS = ("lightning.pytorch", "lightning.fabric")


@contextmanager
def quiet_trainer() -> Iterator[None]:
    """Hide the information messages of Lightning's loggers and the warnings in IGNORED, inside the block."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        with warnings.catch_warnings():
            for message in IGNORED:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
