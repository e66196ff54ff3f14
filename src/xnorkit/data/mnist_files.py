"""MNIST and Fashion-MNIST, and the idx files that hold them."""

import gzip
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import GONE, data_root, existing, fetch, missing, vanished
from xnorkit.data.memory import MemoryData, split_of
from xnorkit.data.options import DataOptions
from xnorkit.data.split import Split
from xnorkit.errors import DataError

__all__ = ["fashion_mnist", "mnist", "read_idx"]

UINT8 = 0x08


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the uint8 array in an idx file, raw or gzip-compressed (if its name ends in .gz).

    The file holds the bytes 0, 0, the type 0x08 (unsigned byte) and the number of dimensions; then each dimension as a
    big-endian uint32; then the values, with the last dimension fastest.

    Args:
        path: the file.
        shape: the shape that the array must have.

    Raises:
        DataError: the magic number, type, shape or length differs, or the compression is damaged.
    """
    length = 4 + 4 * len(shape) + int(np.prod(shape))
    data = _read(path, length + 1)
    magic = bytes((0, 0, UINT8, len(shape)))
    if data[:4] != magic:
        expected = f"{magic.hex()} (idx, uint8, {len(shape)} axes)"
        raise _damaged(path, f"begins with the bytes '{data[:4].hex()}', but it must begin with {expected}")
    if len(data) < 4 + 4 * len(shape):
        raise _damaged(path, f"ends after {len(data)} bytes, inside its header")
    found = struct.unpack_from(f">{len(shape)}I", data, 4)
    if found != shape:
        raise _damaged(path, f"declares shape {found}, but the shape must be {shape}")
    if len(data) != length:
        amount = "more" if len(data) > length else f"{len(data)}"
        raise _damaged(path, f"holds {amount} bytes, but it must hold exactly {length}")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def _read(path: Path, limit: int) -> bytes:
    """Return at most `limit` decompressed bytes, so that a hostile file cannot fill the memory."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"is not a complete gzip file ({error})") from error
    except GONE as error:
        raise vanished(str(path), error) from error
    except OSError as error:
        raise DataError(f"{path} must be readable, but reading it failed: {error.strerror}. Check the file.") from error


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what}. Delete the file and fetch it again.")


Pixels = tuple[float, float]  # mean and standard deviation of pixels / 255 in the training split

FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 60_000)}
FILES["test"] = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 10_000)
NAMES = [name for images, labels, _ in FILES.values() for name in (images, labels)]
SUFFIXES = ("", ".gz")
REMEDY = "Pass the folder that holds them, raw or with .gz (or set XNORKIT_DATA), or download them (download=True)."
GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def mnist(root: Path | str | None = None, options: DataOptions | None = None) -> MemoryData:
    """Return MNIST: 60,000 training and 10,000 official test images of 28x28 grey pixels.

    Args:
        root: a folder that holds the four idx files, raw or .gz, directly or in `mnist/` or `MNIST/raw/`; by default
            the environment variable XNORKIT_DATA, else `data`.
        options: see `DataOptions`; `download` fetches absent files into `root` with torchvision.

    Raises:
        DataError: files are missing, damaged or of another size, a label exceeds 9, or the download failed.

    Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits (1998).
    """
    folder = _folder("MNIST", "MNIST", root, (".", "mnist", "MNIST/raw"), options)
    classes = [str(digit) for digit in range(10)]
    return _data("mnist", folder, classes, (0.1307, 0.3081), options)


def fashion_mnist(root: Path | str | None = None, options: DataOptions | None = None) -> MemoryData:
    """Return Fashion-MNIST: 60,000 training and 10,000 official test images of 28x28 grey pixels.

    Args:
        root: a folder that holds the four idx files, which have the names of MNIST's, in `fashion-mnist/` or
            `FashionMNIST/raw/` or directly; by default XNORKIT_DATA, else `data`.
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
    """Return the first folder that holds all four files, after a download if the options ask for one."""
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
        found = f"{folder / labels_name} holds label {labels.max()}"
        raise DataError(f"{found}, but labels must be from 0 to 9. Fetch the file again.")
    return split_of(images, labels)


def _array(folder: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    path = existing(folder, name, SUFFIXES)
    if path is None:
        raise DataError(f"{folder / name} has vanished, but it must stay in place while it is in use. Restore it.")
    return read_idx(path, shape)
