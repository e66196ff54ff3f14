"""MNIST and Fashion-MNIST from their four official idx files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import data_root, existing, fetch, missing
from xnorkit.data.batches import Split
from xnorkit.data.idx import read_idx
from xnorkit.data.memory import MemoryData, split_of
from xnorkit.data.options import DataOptions
from xnorkit.errors import DataError

__all__ = ["fashion_mnist", "mnist"]

Pixels = tuple[float, float]  # mean and standard deviation of the training pixels / 255

FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 60_000)}
FILES["test"] = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 10_000)
NAMES = [name for images, labels, _ in FILES.values() for name in (images, labels)]
SUFFIXES = ("", ".gz")
REMEDY = (
    "Name the folder that has them, raw or with .gz (--data DIR or XNORKIT_DATA), or ask for their download "
    "(--download true of `xnorkit train` and `evaluate`, download=True)."
)
GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def mnist(root: Path | str | None = None, options: DataOptions | None = None) -> MemoryData:
    """Return MNIST: 60,000 training and 10,000 official test images of 28x28 grey pixels.

    Args:
        root: a folder that holds the four idx files, raw or .gz, itself or in `mnist/` or `MNIST/raw/`; by default the
            environment variable XNORKIT_DATA, else `data`.
        options: see `DataOptions`; `download` fetches the files into `root` with torchvision if they are absent.

    Raises:
        DataError: files missing, damaged or of another size; labels beyond 9; the download failed.

    Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits (1998).
    """
    folder = _folder("MNIST", "MNIST", root, (".", "mnist", "MNIST/raw"), options)
    classes = [str(digit) for digit in range(10)]
    return _data("mnist", folder, classes, (0.1307, 0.3081), options)


def fashion_mnist(root: Path | str | None = None, options: DataOptions | None = None) -> MemoryData:
    """Return Fashion-MNIST: 60,000 training and 10,000 official test images of 28x28 grey pixels.

    Args:
        root: a folder that holds the four idx files, which are named as those of MNIST, in `fashion-mnist/` or
            `FashionMNIST/raw/`, or itself; by default XNORKIT_DATA, else `data`.
        options: see `DataOptions`.

    Raises:
        DataError: as `mnist`.

    Source: Xiao, Rasul and Vollgraf, Fashion-MNIST (2017).
    """
    folder = _folder("Fashion-MNIST", "FashionMNIST", root, ("fashion-mnist", "FashionMNIST/raw", "."), options)
    return _data("fashion-mnist", folder, GARMENTS, (0.2860, 0.3530), options)


def _folder(
    title: str, torchvision_name: str, root: Path | str | None, folders: tuple[str, ...], options: DataOptions | None
) -> Path:
    """Return the first folder that holds all four files, fetched if the options ask for it."""
    root = data_root(root)
    found = _complete(root, folders)
    if found is None and options is not None and options.download:
        fetch(title, root, lambda datasets, draft: getattr(datasets, torchvision_name)(draft, download=True))
        found = _complete(root, folders)
    if found is None:
        raise missing(title, root, folders, [NAMES], REMEDY)
    return found


def _complete(root: Path, folders: tuple[str, ...]) -> Path | None:
    return next((root / sub for sub in folders if all(existing(root / sub, name, SUFFIXES) for name in NAMES)), None)


def _data(name: str, folder: Path, classes: Sequence[str], pixels: Pixels, options: DataOptions | None) -> MemoryData:
    mean, std = pixels
    return MemoryData(
        name=name,
        classes=classes,
        mean=(mean,),
        std=(std,),
        split_name="test (official)",
        train=_split(folder, "train"),
        test=_split(folder, "test"),
        options=options or DataOptions(),
    )


def _split(folder: Path, part: str) -> Split:
    images_name, labels_name, count = FILES[part]
    images = _array(folder, images_name, (count, 28, 28))
    labels = _array(folder, labels_name, (count,))
    if labels.max() > 9:
        raise DataError(f"{folder / labels_name} holds label {labels.max()}; required: 0 to 9. Fetch the file again.")
    return split_of(images, labels)


def _array(folder: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    path = existing(folder, name, SUFFIXES)
    if path is None:
        raise DataError(f"{folder / name} has vanished while reading; required: it stays in place.")
    return read_idx(path, shape)
