"""The container of a `.xnor` file: a safetensors file, checked in full before it is used.

A library would copy every tensor out of the file's bytes; here tensors are views into them. `tests/format` compares
this reader with safetensors itself: safetensors accepts everything that it accepts, with equal tensors.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import FormatError
from xnorkit.format.limits import Limits
from xnorkit.format.rules import check_keys, integers, shown
from xnorkit.format.strict_json import parse

__all__ = ["DTYPES", "unpack"]

DTYPES = {"F32": "<f4", "F16": "<f2", "I32": "<i4", "U32": "<u4", "I8": "i1", "U8": "u1"}
MAX_AXES = 4
_HEADER = "the safetensors header"
_METADATA = "__metadata__"
_LARGEST = 2**63 - 1


def unpack(content: NDArray[np.uint8], limits: Limits | None) -> tuple[Mapping[str, str], dict[str, NDArray[Any]]]:
    """Return the metadata and the tensors of a file's bytes; tensors are views into `content` where alignment allows.

    Raises:
        FormatError: the bytes are not a complete safetensors file, or hold a tensor of an unsupported kind.
    """
    header, data = _split(content, limits)
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FormatError(f"{_HEADER}: '{_METADATA}' is {shown(metadata)}, but it must be an object of strings.")
    arrays = {name: _tensor(name, entry, data) for name, entry in header.items()}
    _check_places(header, len(data))
    return metadata, arrays


def _split(content: NDArray[np.uint8], limits: Limits | None) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    if len(content) < 8:
        raise _broken(f"{len(content)} bytes, fewer than the 8 of a header's length")
    length = int.from_bytes(content[:8].tobytes(), "little")
    if length > len(content) - 8:
        raise _broken(f"its header of {length} bytes does not fit into {len(content)} bytes")
    if limits is not None:
        limits.check("header", length, f"{_HEADER} has {length:,} bytes")
    try:
        text = content[8 : 8 + length].tobytes().decode()
    except UnicodeDecodeError:
        raise _broken("its header is not UTF-8 text") from None
    if not text.startswith("{"):
        raise _broken(f"its header begins with {shown(text[:8])} and not with a brace")
    header: dict[str, Any] = parse(text, _HEADER)
    return header, content[8 + length :]


def _tensor(name: str, entry: Any, data: NDArray[np.uint8]) -> NDArray[Any]:
    where = f"tensor {shown(name)}"
    if not isinstance(entry, dict):
        raise FormatError(f"{where} is {shown(entry)}, but it must be an object of dtype, shape, data_offsets.")
    check_keys(where, entry, ("dtype", "shape", "data_offsets"))
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise FormatError(f"{where} has dtype {shown(dtype)}, but it must be one of {', '.join(DTYPES)}.")
    count = len(shape) if isinstance(shape, list) else 0
    if not isinstance(shape, list) or count > MAX_AXES or integers(count, 0, _LARGEST)(shape) is not None:
        raise FormatError(f"{where} has shape {shown(shape)}, but it must be a list of at most {MAX_AXES} integers.")
    if integers(2, 0, _LARGEST)(offsets) is not None:
        raise FormatError(f"{where} has data_offsets {shown(offsets)}, but they must be two integers, begin and end.")
    begin, end = offsets
    native = np.dtype(DTYPES[dtype])
    size = native.itemsize
    for length in shape:
        size *= length
    if end > len(data) or end - begin != size:
        raise _broken(f"{where} of {size} bytes lies at {begin} to {end} of {len(data)}")
    array = data[begin:end].view(native).reshape(shape) if size else np.empty(shape, native)
    return array.astype(native.newbyteorder("="), copy=not array.flags.aligned)


def _check_places(header: Mapping[str, Any], length: int) -> None:
    """Check that the tensors cover the data, each byte once."""
    end = 0
    for begin, stop in sorted(_places(header)):
        if begin != end:
            raise _broken(f"its tensors leave out or share the bytes from {min(begin, end)} to {max(begin, end)}")
        end = stop
    if end != length:
        raise _broken(f"its tensors cover {end} of {length} bytes")


def _places(header: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    return ((entry["data_offsets"][0], entry["data_offsets"][1]) for entry in header.values())


def _broken(reason: str) -> FormatError:
    return FormatError(
        f"the content is not a complete safetensors file ({reason}), but it must be neither truncated nor altered. "
        "Copy or export it again."
    )
