"""Graph <-> the bytes of a `.xnor` file: a safetensors file with the graph in its metadata."""

import os
import stat
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from xnorkit.errors import FormatError, InputError
from xnorkit.format.container import unpack
from xnorkit.format.demands import check_limits
from xnorkit.format.document import decode, encode, tensor_names
from xnorkit.format.graph import Graph
from xnorkit.format.limits import DEFAULT, Limits
from xnorkit.format.rules import shown, shown_path
from xnorkit.format.shapes import infer_shapes

__all__ = ["from_bytes", "read", "to_bytes", "write"]

ENTRY = "xnorkit"
CHECKSUM = "crc32"


def read(path: str | os.PathLike[str], *, limits: Limits | None = DEFAULT) -> Graph:
    """Return the validated graph of a `.xnor` file.

    The file's bytes are copied into memory once, and the graph's tensors are views into that copy. Later changes to
    the file have no effect.

    Args:
        path: the file.
        limits: what the file may ask for; None for a file that you trust, bounded only by the format's own rules.

    Raises:
        FormatError: the file is missing, truncated, altered, of another version, breaks a rule of docs/format.md, or
            asks for more than `limits` allow.
    """
    try:
        content = _content(path)
    except OSError as error:
        raise FormatError(
            f"{shown_path(path)} cannot be read ({error.strerror or error}), but it must be a .xnor file."
        ) from error
    except ValueError as error:  # such as a null character in the path
        raise FormatError(f"{shown_path(path)} cannot be read ({error}), but it must be a .xnor file.") from None
    try:
        return _graph(content, limits)
    except FormatError as error:
        raise FormatError(f"{shown_path(path)}: {error}") from None


def write(path: str | os.PathLike[str], graph: Graph) -> None:
    """Write a graph: equal graphs give equal bytes; a file at `path` is replaced only when everything is written.

    Raises:
        FormatError: the graph breaks a rule of docs/format.md.
        InputError: `path` cannot be written.
    """
    content = to_bytes(graph)
    try:
        target = Path(path)
        if os.path.lexists(target) and not target.is_file():
            what = "a folder" if target.is_dir() else "not a regular file"
            raise InputError(f"{shown_path(path)} is {what}, but it must be the name of a file, such as model.xnor.")
        draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            draft.write_bytes(content)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # a ValueError, such as for a null character
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{shown_path(path)} cannot be written ({reason}), but it must be a file name in an existing, writable "
            "folder."
        ) from error


def to_bytes(graph: Graph) -> bytes:
    """Return the content of a graph's file; FormatError if the graph breaks a rule."""
    infer_shapes(graph)
    text = encode(graph)
    arrays = {name: np.ascontiguousarray(array) for name, array in tensor_names(graph).items()}
    checksum = np.array([_checksum(text, arrays.values())], dtype=np.uint32)
    return safetensors.numpy.save({**arrays, CHECKSUM: checksum}, {ENTRY: text})


def from_bytes(content: bytes, *, limits: Limits | None = DEFAULT) -> Graph:
    """Return the validated graph of a file's content; FormatError if it breaks a rule or the limits."""
    return _graph(np.frombuffer(bytearray(content), np.uint8), limits)


def _content(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Return the bytes of a file, in memory that nobody else can change."""
    with open(path, "rb", buffering=0, opener=_open) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FormatError(f"{shown_path(path)} is not a regular file, but it must be a .xnor file.")
        content = np.empty(status.st_size, np.uint8)
        filled = 0
        while filled < len(content) and (count := file.readinto(content.data[filled:])):
            filled += count
    return content[:filled]


def _open(path: str, flags: int) -> int:
    """Open without waiting, as a pipe would require."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _graph(content: NDArray[np.uint8], limits: Limits | None) -> Graph:
    if limits is not None and not isinstance(limits, Limits):
        raise InputError(f"limits={shown(limits)}, but it must be Limits, such as Limits(work=2**36), or None.")
    metadata, arrays = unpack(content, limits)
    text = metadata.get(ENTRY)
    if text is None:
        raise FormatError(f"the file has no metadata '{ENTRY}', but it must be a file that xnorkit exported.")
    checksum = arrays.pop(CHECKSUM, None)
    if checksum is None or checksum.dtype != np.uint32 or checksum.shape != (1,):
        raise FormatError(f"tensor '{CHECKSUM}' is missing or malformed, but it must be U32 of shape [1].")
    graph = decode(text, arrays, limits)
    expected = _checksum(text, tensor_names(graph).values())
    if checksum[0] != expected:
        raise FormatError(
            f"the content has checksum {expected:08x}, but it must have {int(checksum[0]):08x}, as the file says: it "
            "was altered. Copy or export the file again."
        )
    values = infer_shapes(graph)
    if limits is not None:
        check_limits(graph, values, limits)
    return graph


def _checksum(text: str, arrays: Iterable[NDArray[Any]]) -> int:
    """Return CRC-32 of the graph's text and of every node's tensors in the order of the graph."""
    checksum = zlib.crc32(text.encode())
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    return checksum
