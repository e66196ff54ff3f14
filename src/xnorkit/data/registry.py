"""Create data sets by name."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xnorkit.data.base import ImageData
from xnorkit.data.caffe_lmdb import imagenet_lmdb
from xnorkit.data.cifar import cifar10, cifar100
from xnorkit.data.cifar_whitened import cifar10_whitened
from xnorkit.data.digits import digits
from xnorkit.data.folders import imagefolder, imagenet
from xnorkit.data.mnist import fashion_mnist, mnist
from xnorkit.data.options import DataOptions, with_options
from xnorkit.data.shards import imagenet_webdataset, webdataset
from xnorkit.errors import RecipeError

__all__ = ["create_data", "list_data"]


Make = Callable[[Path | str | None, DataOptions], ImageData]


def _digits(_root: Path | str | None, options: DataOptions) -> ImageData:
    """Return the digits of scikit-learn, which need neither a folder nor a download."""
    return digits(options)


_DATA: dict[str, Make] = {
    "cifar10": cifar10,
    "cifar10-whitened": cifar10_whitened,
    "cifar100": cifar100,
    "digits": _digits,
    "fashion-mnist": fashion_mnist,
    "imagefolder": imagefolder,
    "imagenet": imagenet,
    "imagenet-lmdb": imagenet_lmdb,
    "imagenet-webdataset": imagenet_webdataset,
    "mnist": mnist,
    "webdataset": webdataset,
}


def create_data(
    name: str, root: Path | str | None = None, options: DataOptions | None = None, **changes: Any
) -> ImageData:
    """Return the data set `name`.

    Args:
        name: one of `list_data()`.
        root: the folder of the data; by default XNORKIT_DATA, else `data`. `digits` does not use it.
        options: see `DataOptions`.
        changes: fields of `options` to change, such as `batch_size=64, download=True`.

    Raises:
        RecipeError: a name or option is unknown (the message suggests near matches), or an option is out of range.
        DataError: files are missing or damaged.

    Examples:
        >>> create_data("digits", batch_size=64, shift=2).split_name
        'held-out 20 %'
    """
    if name not in _DATA:
        near = difflib.get_close_matches(name, _DATA, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Choose one of {', '.join(list_data())}."
        raise RecipeError(f"'{name}' is not a data set. {hint}")
    return _DATA[name](root, with_options(options, changes))


def list_data() -> list[str]:
    """Return the sorted names of the data sets."""
    return sorted(_DATA)
