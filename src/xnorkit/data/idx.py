"""The idx file format of MNIST, parsed strictly."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import GONE, vanished
from xnorkit.errors import DataError

__all__ = ["read_idx"]

UINT8 = 0x08


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the uint8 array in an idx file, raw or gzip-compressed (name ends in .gz).

    Layout: bytes 0, 0, the type 0x08 (unsigned byte), the number of dimensions; then each dimension as a big-endian
    uint32; then the values, the last dimension fastest.

    Args:
        path: the file.
        shape: what it must hold; anything else is an error.

    Raises:
        DataError: another magic number, type, shape or length, or damaged compression.
    """
    length = 4 + 4 * len(shape) + int(np.prod(shape))
    data = _read(path, length + 1)
    magic = bytes((0, 0, UINT8, len(shape)))
    if data[:4] != magic:
        raise _damaged(
            path, f"begins with bytes {data[:4].hex()}; required: {magic.hex()} (idx, uint8, {len(shape)} axes)"
        )
    if len(data) < 4 + 4 * len(shape):
        raise _damaged(path, f"ends after {len(data)} bytes, inside its header")
    found = struct.unpack_from(f">{len(shape)}I", data, 4)
    if found != shape:
        raise _damaged(path, f"declares shape {found}; required: {shape}")
    if len(data) != length:
        amount = "more" if len(data) > length else f"{len(data)}"
        raise _damaged(path, f"holds {amount} bytes; required: exactly {length}")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def _read(path: Path, limit: int) -> bytes:
    """Return at most `limit` bytes, decompressed, so that a hostile file cannot fill the memory."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"is not a complete gzip file ({error})") from error
    except GONE as error:
        raise vanished(str(path), error) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}; required: a readable file.") from error


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what}. Delete the file and fetch it again.")
