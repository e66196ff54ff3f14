"""Names of models and how to make them."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from torch import nn

from xnorkit.errors import RecipeError
from xnorkit.models.lenet5 import LeNet5
from xnorkit.models.xnor_resnet18 import xnor_resnet18

__all__ = ["BINARIZATIONS", "create_model", "input_shape", "list_models"]

BINARIZATIONS = ("xnor", "float")


@dataclass(frozen=True)
class _Entry:
    make: Callable[..., nn.Module]
    input_shape: tuple[int, int, int]


_MODELS: dict[str, _Entry] = {
    "lenet5": _Entry(LeNet5, (1, 28, 28)),
    "resnet18": _Entry(xnor_resnet18, (3, 224, 224)),
    "resnet18-cifar10": _Entry(partial(xnor_resnet18, stem_type="cifar"), (3, 32, 32)),
}


def create_model(name: str, num_classes: int = 10, binarization: str = "xnor") -> nn.Module:
    """Return a new model with random weights, in training mode.

    Args:
        name: one of `list_models()`.
        num_classes: number of logits, at least 1.
        binarization: "xnor" (binary weights and activations in the inner layers) or "float" (the same without signs).

    Raises:
        RecipeError: unknown name or binarization, with near matches.
    """
    if binarization not in BINARIZATIONS:
        raise _unknown("binarization", binarization, BINARIZATIONS)
    if num_classes < 1:
        raise RecipeError(f"num_classes={num_classes}; required: at least 1.")
    return _entry(name).make(num_classes=num_classes, binarization=binarization)


def input_shape(name: str) -> tuple[int, int, int]:
    """Return the image shape (C, H, W) that model `name` is made for; RecipeError if the name is unknown."""
    return _entry(name).input_shape


def list_models(pattern: str | None = None) -> list[str]:
    """Return the sorted model names, those matching the shell pattern (`lenet*`) if one is given."""
    return sorted(name for name in _MODELS if pattern is None or fnmatchcase(name, pattern))


def _entry(name: str) -> _Entry:
    if name not in _MODELS:
        raise _unknown("model", name, list_models())
    return _MODELS[name]


def _unknown(what: str, name: str, known: Any) -> RecipeError:
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"choose one of: {', '.join(known)}."
    return RecipeError(f"unknown {what} '{name}'; {hint}")
