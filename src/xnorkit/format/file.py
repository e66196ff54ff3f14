"""Graph <-> the bytes of a `.xnor` file: a safetensors file with the graph in its metadata."""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from xnorkit.errors import FormatError, InputError
from xnorkit.format.document import decode, encode, tensor_names
from xnorkit.format.graph import Graph
from xnorkit.format.rules import shown
from xnorkit.format.shapes import infer_shapes
from xnorkit.format.strict_json import parse

__all__ = ["from_bytes", "read", "to_bytes", "write"]

ENTRY = "xnorkit"
CHECKSUM = "crc32"
DTYPES = {"F32": "<f4", "F16": "<f2", "I32": "<i4", "U32": "<u4", "I8": "i1", "U8": "u1"}


def read(path: str | os.PathLike[str]) -> Graph:
    """Return the validated graph of a `.xnor` file.

    Raises:
        FormatError: the file is missing, truncated, altered, of another version, or breaks a rule of docs/format.md.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read ({error.strerror}); required: a .xnor file.") from error
    try:
        return from_bytes(content)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def write(path: str | os.PathLike[str], graph: Graph) -> None:
    """Write a graph: the same bytes for the same graph; a file at `path` is replaced only when all is written.

    Raises:
        FormatError: the graph breaks a rule of docs/format.md.
        InputError: `path` cannot be written.
    """
    content = to_bytes(graph)
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{path} is a folder; required: the name of a file, as model.xnor.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            draft.write_bytes(content)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); required: an existing, writable folder."
        ) from error


def to_bytes(graph: Graph) -> bytes:
    """Return the content of the file of a graph; FormatError if the graph breaks a rule."""
    infer_shapes(graph)
    text = encode(graph)
    arrays = {name: np.ascontiguousarray(array) for name, array in tensor_names(graph).items()}
    checksum = np.array([_checksum(text, arrays.values())], dtype=np.uint32)
    return safetensors.numpy.save({**arrays, CHECKSUM: checksum}, {ENTRY: text})


def from_bytes(content: bytes) -> Graph:
    """Return the validated graph of a file's content; FormatError if it breaks a rule."""
    text, arrays = _unpack(content)
    checksum = arrays.pop(CHECKSUM, None)
    if checksum is None or checksum.dtype != np.uint32 or checksum.shape != (1,):
        raise FormatError(f"tensor '{CHECKSUM}' is missing or malformed; required: U32 of shape [1].")
    graph = decode(text, arrays)
    expected = _checksum(text, tensor_names(graph).values())
    if checksum[0] != expected:
        raise FormatError(
            f"the content has checksum {expected:08x}, the file says {int(checksum[0]):08x}: it was altered. "
            "Required: equal checksums. Copy or export the file again."
        )
    infer_shapes(graph)
    return graph


def _checksum(text: str, arrays: Iterable[NDArray[Any]]) -> int:
    """Return CRC-32 of the graph's text and of every node's tensors in the order of the graph."""
    checksum = zlib.crc32(text.encode())
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    return checksum


def _unpack(content: bytes) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the graph's text and the tensors of a safetensors file."""
    try:
        views = safetensors.deserialize(content)
    except (safetensors.SafetensorError, ValueError) as error:
        raise FormatError(
            f"not a whole safetensors file ({error}); the file is truncated, altered or no .xnor file."
        ) from None
    length = int.from_bytes(content[:8], "little")
    header = parse(content[8 : 8 + length].decode(), "the safetensors header")
    text = header.get("__metadata__", {}).get(ENTRY)
    if text is None:
        raise FormatError(f"a safetensors file without metadata '{ENTRY}'; required: a file that xnorkit exported.")
    arrays = {}
    for name, view in views:
        if view["dtype"] not in DTYPES:
            raise FormatError(f"tensor {shown(name)} has dtype {view['dtype']}; required: one of {', '.join(DTYPES)}.")
        native = np.dtype(DTYPES[view["dtype"]])
        arrays[name] = np.frombuffer(view["data"], native).reshape(view["shape"]).astype(native.newbyteorder("="))
    return text, arrays
