"""`bnn.engine`: BinaryChef, which is loaded on first use because it imports the trainer."""

from importlib import import_module
from typing import Any

__all__ = ["BinaryChef"]

BinaryChef: Any


def __getattr__(name: str) -> Any:
    if name != "BinaryChef":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return import_module("xnorkit.train.binarizers").BinaryChef
