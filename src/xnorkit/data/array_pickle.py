"""Read pickles of plain values and byte arrays, the format of CIFAR, without executing anything in them."""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import read_bytes
from xnorkit.errors import DataError

__all__ = ["read_array_pickle"]


class _Dtype:
    """Stands in for numpy.dtype and keeps only its code."""

    def __init__(self, code: Any, *_flags: Any) -> None:
        self.code = code

    def __setstate__(self, _state: Any) -> None:
        """Ignore byte order and alignment, which single bytes do not have."""


class _Array:
    """Stands in for numpy.ndarray: it keeps the shape and the bytes, and `values` checks them."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def values(self) -> NDArray[np.uint8]:
        """Return the array; anything but uint8 in C order is a ValueError."""
        _version, shape, dtype, fortran, content = self.state
        if not isinstance(dtype, _Dtype) or dtype.code not in (b"u1", "u1") or fortran:
            raise ValueError("an array is not of uint8 in C order")
        return np.frombuffer(content, np.uint8).reshape(shape)


def _reconstruct(*_arguments: Any) -> _Array:
    """Stand in for the NumPy function that creates an empty array, which its state then fills."""
    return _Array()


def _encode(text: str, encoding: str) -> bytes:
    """Stand in for _codecs.encode, with which Python 3 writes bytes in old protocols."""
    if encoding != "latin1":
        raise ValueError(f"its bytes are encoded as {encoding!r}")
    return text.encode("latin1")


# Names in a pickle resolve to the stand-ins above, never to the objects that they name.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which data does not need")
        return ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError(f"it refers to an object outside the file ({pid!r})")


def read_array_pickle(path: Path, limit: int) -> dict[str, Any]:
    """Return the dictionary in a pickle of numbers, strings, lists and uint8 arrays without executing the pickle.

    Keys are strings, even where Python 2 wrote bytes. Arrays are read-only.

    Args:
        path: the file.
        limit: the largest size in bytes that the file may have.

    Raises:
        DataError: the file is unreadable, too long or damaged, holds no dictionary, or names anything but an array.
    """
    data = read_bytes(path, limit)
    try:
        if len(data) > limit:
            raise ValueError(f"it has more than {limit} bytes")
        _check_memo(data)
        content = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}, not a dictionary")
        return {_text(key): value.values() if isinstance(value, _Array) else value for key, value in content.items()}
    except Exception as error:  # a damaged pickle may fail anywhere inside the unpickler
        raise DataError(
            f"{path} must be a pickle of plain arrays, but reading it failed: {error}. Nothing in it was executed. "
            "Delete the file and fetch it again."
        ) from error


def _check_memo(data: bytes) -> None:
    """Raise ValueError for a memo position beyond the file's length, which would make the unpickler fill the memory."""
    for operation, argument, _position in pickletools.genops(data):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument is not None and argument > len(data):
            raise ValueError(f"it asks for {argument} memo positions")


def _text(key: Any) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)
