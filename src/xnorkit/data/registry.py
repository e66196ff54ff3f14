"""Create data sets by name."""

import difflib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from xnorkit.data.base import ImageData
from xnorkit.data.options import DataOptions, with_options
from xnorkit.errors import RecipeError
from xnorkit.own import is_own, own, own_hint

__all__ = ["create_data", "list_data"]


Make = Callable[[Path | str | None, DataOptions], ImageData]


def _digits(_root: Path | str | None, options: DataOptions) -> ImageData:
    """Need neither a folder nor a download: the images are in scikit-learn."""
    from xnorkit.data.sklearn_digits import digits

    return digits(options)


def _by(module: str, function: str) -> Make:
    """Return a function of a module of this package, which is imported when it is called: photos need torch."""

    def make(root: Path | str | None, options: DataOptions) -> ImageData:
        made: ImageData = getattr(import_module(f"xnorkit.data.{module}"), function)(root, options)
        return made

    return make


_DATA: dict[str, Make] = {
    "cifar10": _by("cifar", "cifar10"),
    "cifar10-whitened": _by("cifar_whitened", "cifar10_whitened"),
    "cifar100": _by("cifar", "cifar100"),
    "digits": _digits,
    "fashion-mnist": _by("mnist_files", "fashion_mnist"),
    "imagefolder": _by("folders", "imagefolder"),
    "imagenet": _by("folders", "imagenet"),
    "imagenet-lmdb": _by("caffe_lmdb", "imagenet_lmdb"),
    "imagenet-webdataset": _by("shards", "imagenet_webdataset"),
    "mnist": _by("mnist_files", "mnist"),
    "webdataset": _by("shards", "webdataset"),
}


def create_data(
    name: str, root: Path | str | None = None, options: DataOptions | None = None, **changes: Any
) -> ImageData:
    """Return the data set `name`.

    Args:
        name: one of `list_data()`, or `package.module:Name`, a function or class of your own that takes the folder and
            the options and returns an `ImageData`.
        root: folder of the data; by default XNORKIT_DATA, else `data`. Not used by `digits`.
        options: see `DataOptions`; the defaults without them.
        changes: fields of `options` to change, as `batch_size=64, download=True`.

    Raises:
        RecipeError: a name or option is unknown (the message suggests near matches), or an option is out of range.
        DataError: files are missing or damaged.

    Examples:
        >>> create_data("digits", batch_size=64, shift=2).split_name
        'held-out 20 %'
    """
    if is_own(name):
        make, chosen = own(name, "data.name"), with_options(options, changes)
        try:
            made = make(root, chosen)
        except TypeError as error:
            raise RecipeError(
                f"data.name={name} must be a class or function that takes the folder and the options, but: {error}."
            ) from error
        if not isinstance(made, ImageData):
            raise RecipeError(
                f"data.name={name} returns a {type(made).__name__}, but it must return an xnorkit.data.ImageData, "
                "such as MemoryData."
            )
        return made
    if name not in _DATA:
        near = difflib.get_close_matches(name, _DATA, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Choose one of {', '.join(list_data())}."
        raise RecipeError(f"'{name}' is not a data set. {own_hint(name) or hint}")
    return _DATA[name](root, with_options(options, changes))


def list_data() -> list[str]:
    """Return the sorted names of the data sets."""
    return sorted(_DATA)
