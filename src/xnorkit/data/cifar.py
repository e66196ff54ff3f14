"""CIFAR-10 and CIFAR-100: their classes, the official files as pickles or binaries, and the data sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import data_root, fetch, missing, read_bytes
from xnorkit.data.array_pickle import read_array_pickle
from xnorkit.data.memory import MemoryData
from xnorkit.data.options import DataOptions
from xnorkit.data.split import Split
from xnorkit.errors import DataError

__all__ = ["CIFAR10", "CIFAR100", "cifar10", "cifar100", "read_cifar_binary", "read_cifar_pickle"]

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
NAMES100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man
maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree
plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail
snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout
tulip turtle wardrobe whale willow_tree wolf woman worm
"""
CIFAR100 = tuple(NAMES100.split())


IMAGE_BYTES = 3 * 32 * 32
NAME_BYTES = 64  # the limit for the labels and file name of a record; published files use 33


def read_cifar_binary(path: Path, count: int, labels: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images (count, 3072) uint8 and the last label byte of each record (count,) uint8.

    A record has `labels` bytes (1 for CIFAR-10; coarse and fine for CIFAR-100) and 3072 pixels: 1024 red, 1024 green,
    1024 blue, each in row-major order.

    Raises:
        DataError: the file does not hold exactly `count` records, or is unreadable.
    """
    length = count * (labels + IMAGE_BYTES)
    data = read_bytes(path, length)
    if len(data) != length:
        amount = f"{len(data)}" if len(data) < length else "more"
        raise DataError(
            f"{path} holds {amount} bytes, but it must hold exactly {length}, {count} records of "
            f"{labels + IMAGE_BYTES}. Delete the file and fetch it again."
        )
    records = np.frombuffer(data, np.uint8).reshape(count, labels + IMAGE_BYTES)
    return records[:, labels:], records[:, labels - 1]


def read_cifar_pickle(path: Path, count: int, key: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (count, 3072) uint8, ordered as in the binary version, and the labels under `key` (count,) int64.

    Raises:
        DataError: the number of images or labels differs, or the file is not a pickle of plain arrays.
    """
    content = read_array_pickle(path, count * (IMAGE_BYTES + NAME_BYTES))
    images, labels = content.get("data"), content.get(key)
    if not isinstance(images, np.ndarray) or images.shape != (count, IMAGE_BYTES):
        found, shape = getattr(images, "shape", None), (count, IMAGE_BYTES)
        raise DataError(f"{path} holds 'data' of shape {found}, but the shape must be {shape}. Fetch it again.")
    if not isinstance(labels, list) or len(labels) != count or not all(type(label) is int for label in labels):
        raise DataError(f"{path} must hold a list of {count} integers, '{key}', but does not. Fetch it again.")
    return images, np.asarray(labels, np.int64)


IMAGE = (3, 32, 32)
MEAN10, STD10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
REMEDY = "Pass the folder that holds them (or set XNORKIT_DATA), or download them (download=True)."


@dataclass(frozen=True)
class _Version:
    """One official form of a data set: the folder of the archive, the training files, the test file, the format."""

    folder: str
    train: tuple[str, ...]
    test: str
    binary: bool

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.train, self.test)


BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
VERSIONS10 = (
    _Version("cifar-10-batches-py", BATCHES, "test_batch", binary=False),
    _Version("cifar-10-batches-bin", tuple(f"{name}.bin" for name in BATCHES), "test_batch.bin", binary=True),
)
VERSIONS100 = (
    _Version("cifar-100-python", ("train",), "test", binary=False),
    _Version("cifar-100-binary", ("train.bin",), "test.bin", binary=True),
)


def cifar10(root: Path | str | None = None, options: DataOptions | None = None) -> MemoryData:
    """Return CIFAR-10: 50,000 training and 10,000 official test images of 32x32 RGB pixels in 10 classes.

    If all five training batches exist but the test batch does not, batches 1 to 4 are the training split and batch 5 is
    the evaluation split; `split_name` says so.

    Args:
        root: a folder that holds `data_batch_1` to `data_batch_5` and `test_batch` (Python version, whose pickles are
            read without executing anything) or the same names with `.bin` (binary version), directly or in
            `cifar-10-batches-py/` or `cifar-10-batches-bin/`; by default XNORKIT_DATA, else `data`.
        options: see `DataOptions`; `download` fetches the Python version with torchvision.

    Raises:
        DataError: files are missing or damaged, or the download failed.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
    """
    options, root = options or DataOptions(), data_root(root)
    found = _find(root, VERSIONS10)
    if found is None and options.download:
        fetch("CIFAR-10", root, lambda datasets, draft: datasets.CIFAR10(draft, download=True))
        found = _find(root, VERSIONS10)
    split_name, held_out = "test (official)", 0
    if found is None:
        found, split_name, held_out = _find(root, VERSIONS10, test=False), "batch 5 (of the training set)", 1
    if found is None:
        raise _missing("CIFAR-10", root, VERSIONS10)
    folder, version = found
    names = version.names[: len(version.names) - held_out]
    parts = [_read(folder / name, version, 10_000, ("labels",), 10) for name in names]
    return MemoryData(
        name="cifar10",
        classes=CIFAR10,
        mean=MEAN10,
        std=STD10,
        split_name=split_name,
        train=_joined(parts[:-1]),
        test=parts[-1],
        options=options,
    )


def cifar100(root: Path | str | None = None, options: DataOptions | None = None) -> MemoryData:
    """Return CIFAR-100: 50,000 training and 10,000 official test images of 32x32 RGB pixels in 100 fine classes.

    Args:
        root: a folder that holds `train` and `test` (Python version) or `train.bin` and `test.bin` (binary version),
            directly or in `cifar-100-python/` or `cifar-100-binary/`; by default XNORKIT_DATA, else `data`.
        options: see `DataOptions`; `download` fetches the Python version with torchvision.

    Raises:
        DataError: as `cifar10`.

    Source: as `cifar10`.
    """
    options, root = options or DataOptions(), data_root(root)
    found = _find(root, VERSIONS100)
    if found is None and options.download:
        fetch("CIFAR-100", root, lambda datasets, draft: datasets.CIFAR100(draft, download=True))
        found = _find(root, VERSIONS100)
    if found is None:
        raise _missing("CIFAR-100", root, VERSIONS100)
    folder, version = found
    labels = ("coarse_labels", "fine_labels")
    return MemoryData(
        name="cifar100",
        classes=CIFAR100,
        mean=(0.5071, 0.4865, 0.4409),
        std=(0.2673, 0.2564, 0.2762),
        split_name="test (official)",
        train=_read(folder / version.train[0], version, 50_000, labels, 100),
        test=_read(folder / version.test, version, 10_000, labels, 100),
        options=options,
    )


def _find(root: Path, versions: Sequence[_Version], test: bool = True) -> tuple[Path, _Version] | None:
    """Return the first folder that holds all files of a version; without `test`, all its training files."""
    for version in versions:
        for folder in (root / version.folder, root):
            if all((folder / name).is_file() for name in (version.names if test else version.train)):
                return folder, version
    return None


def _missing(title: str, root: Path, versions: Sequence[_Version]) -> DataError:
    folders = (*(version.folder for version in versions), ".")
    return missing(title, root, folders, [version.names for version in versions], REMEDY)


def _read(path: Path, version: _Version, count: int, labels: tuple[str, ...], classes: int) -> Split:
    """Return the images and the last kind of label from one file of `count` images."""
    images: NDArray[np.uint8]
    numbers: NDArray[np.integer]
    if version.binary:
        images, numbers = read_cifar_binary(path, count, len(labels))
    else:
        images, numbers = read_cifar_pickle(path, count, labels[-1])
    target = np.array(numbers, np.int64)
    if target.min() < 0 or target.max() >= classes:
        raise DataError(
            f"{path} holds labels {target.min()} to {target.max()}, but they must be from 0 to {classes - 1}. "
            "Fetch the file again."
        )
    return Split(np.array(images).reshape(-1, *IMAGE), target)


def _joined(parts: Sequence[Split]) -> Split:
    return Split(*map(np.concatenate, zip(*(part.arrays for part in parts), strict=True)))
