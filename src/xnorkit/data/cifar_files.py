"""One file of CIFAR, binary or python version, parsed strictly."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import read_bytes
from xnorkit.data.array_pickle import read_array_pickle
from xnorkit.errors import DataError

__all__ = ["read_cifar_binary", "read_cifar_pickle"]

IMAGE_BYTES = 3 * 32 * 32
NAME_BYTES = 64  # of labels and file name of a record; published files have 33


def read_cifar_binary(path: Path, count: int, labels: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images (count, 3072) uint8 and the last label byte of each record (count,) uint8.

    Layout: records of `labels` bytes (1 for CIFAR-10; coarse and fine for CIFAR-100) and 3072 pixels: 1024 red, 1024
    green, 1024 blue, each row by row.

    Raises:
        DataError: not exactly `count` records, or unreadable.
    """
    length = count * (labels + IMAGE_BYTES)
    data = read_bytes(path, length)
    if len(data) != length:
        amount = f"{len(data)}" if len(data) < length else "more"
        raise DataError(
            f"{path} holds {amount} bytes; required: exactly {length}, {count} records of {labels + IMAGE_BYTES}. "
            "Delete the file and fetch it again."
        )
    records = np.frombuffer(data, np.uint8).reshape(count, labels + IMAGE_BYTES)
    return records[:, labels:], records[:, labels - 1]


def read_cifar_pickle(path: Path, count: int, key: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (count, 3072) uint8, ordered as in the binary version, and the labels under `key` (count,) int64.

    Raises:
        DataError: another number of images or labels, or not a pickle of plain arrays; nothing in it is executed.
    """
    content = read_array_pickle(path, count * (IMAGE_BYTES + NAME_BYTES))
    images, labels = content.get("data"), content.get(key)
    if not isinstance(images, np.ndarray) or images.shape != (count, IMAGE_BYTES):
        shape = getattr(images, "shape", None)
        raise DataError(f"{path} holds 'data' of shape {shape}; required: ({count}, {IMAGE_BYTES}). Fetch it again.")
    if not isinstance(labels, list) or len(labels) != count or not all(type(label) is int for label in labels):
        raise DataError(f"{path} holds no list of {count} integers '{key}'. Fetch it again.")
    return images, np.asarray(labels, np.int64)
