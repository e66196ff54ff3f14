"""Names of data sets and how to load them."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xnorkit.data.base import ImageData
from xnorkit.data.digits import digits
from xnorkit.data.mnist import mnist
from xnorkit.errors import RecipeError

__all__ = ["create_data", "list_data"]


def _digits(root: Path | str | None, *, download: bool, **options: Any) -> ImageData:
    """Need neither a folder nor a download: the images are in scikit-learn."""
    return digits(**options)


_DATA: dict[str, Callable[..., ImageData]] = {"digits": _digits, "mnist": mnist}


def create_data(
    name: str,
    root: Path | str | None = None,
    *,
    batch_size: int = 128,
    seed: int = 0,
    shift: int = 0,
    download: bool = False,
) -> ImageData:
    """Return data set `name`, read into memory.

    Args:
        name: one of `list_data()`.
        root: folder of the data; by default XNORKIT_DATA, else `data`. Not used by `digits`.
        batch_size: images per training step.
        seed: of batch order and shifts.
        shift: random shift of training images in pixels.
        download: fetch absent files.

    Raises:
        RecipeError: unknown name, with near matches; an option out of range.
        DataError: missing or damaged files.
    """
    if name not in _DATA:
        near = difflib.get_close_matches(name, _DATA, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose one of: {', '.join(list_data())}."
        raise RecipeError(f"unknown data '{name}'; {hint}")
    return _DATA[name](root, batch_size=batch_size, seed=seed, shift=shift, download=download)


def list_data() -> list[str]:
    """Return the sorted names of the data sets."""
    return sorted(_DATA)
