"""MNIST from its four official idx files."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._torchvision import import_torchvision
from xnorkit.data.batches import Split
from xnorkit.data.idx import read_idx
from xnorkit.data.memory import MemoryData, split_of
from xnorkit.data.options import DataOptions
from xnorkit.errors import DataError

__all__ = ["mnist"]

FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 60_000)}
FILES["test"] = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 10_000)
FOLDERS = (".", "mnist", "MNIST/raw")
MEAN, STD = (0.1307,), (0.3081,)


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
    options = options or DataOptions()
    root = Path(root or os.environ.get("XNORKIT_DATA") or "data")
    folder = _folder(root)
    if folder is None and options.download:
        try:
            import_torchvision().datasets.MNIST(str(root), download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"the download of MNIST into {root} failed: {error}. Required: a network and a writable folder; or "
                "fetch the files by other means, and name their folder."
            ) from error
        folder = _folder(root)
    if folder is None:
        names = ", ".join(name for images, labels, _ in FILES.values() for name in (images, labels))
        raise DataError(
            f"no MNIST in {root}: looked in {', '.join(str(root / sub) for sub in FOLDERS)}. Required: the files "
            f"{names}, raw or with .gz. Name the folder that has them (--data DIR or XNORKIT_DATA), or ask for their "
            "download (--download true, download=True)."
        )
    return MemoryData(
        name="mnist",
        classes=[str(digit) for digit in range(10)],
        mean=MEAN,
        std=STD,
        split_name="test (official)",
        train=_split(folder, "train"),
        test=_split(folder, "test"),
        options=options,
    )


def _folder(root: Path) -> Path | None:
    """Return the first folder that holds all four files."""
    names = [name for images, labels, _ in FILES.values() for name in (images, labels)]
    return next((root / sub for sub in FOLDERS if all(_file(root / sub, name) for name in names)), None)


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _split(folder: Path, part: str) -> Split:
    images_name, labels_name, count = FILES[part]
    images = _array(folder, images_name, (count, 28, 28))
    labels = _array(folder, labels_name, (count,))
    if labels.max() > 9:
        raise DataError(f"{folder / labels_name} holds label {labels.max()}; required: 0 to 9. Fetch the file again.")
    return split_of(images, labels)


def _array(folder: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    path = _file(folder, name)
    if path is None:
        raise DataError(f"{folder / name} has vanished while reading; required: it stays in place.")
    return read_idx(path, shape)
