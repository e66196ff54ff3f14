"""The container's reader against the safetensors library, and paths that are no files."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from handwritten import HandFile
from hypothesis import given, settings
from hypothesis import strategies as st

from xnorkit.errors import FormatError, InputError, XnorkitError
from xnorkit.format import read
from xnorkit.format.container import DTYPES, unpack
from xnorkit.runtime import load


def packed(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def ours(content: bytes) -> dict[str, np.ndarray] | None:
    try:
        return unpack(np.frombuffer(content, np.uint8), None)[1]
    except FormatError:
        return None


small = st.integers(-1, 5)
entries = st.dictionaries(
    st.text("ab", min_size=1, max_size=2),
    st.fixed_dictionaries(
        {
            "dtype": st.sampled_from([*DTYPES, "I64", "F8", 3]),
            "shape": st.lists(small, max_size=5),
            "data_offsets": st.lists(st.integers(-1, 24), min_size=1, max_size=3),
        }
    ),
    max_size=3,
)


@settings(max_examples=500, deadline=None)
@given(entries, st.binary(max_size=24))
def test_what_it_takes_safetensors_takes_too(header: dict[str, Any], data: bytes) -> None:
    arrays = ours(packed(header, data))
    if arrays is not None:
        _same(arrays, safetensors.numpy.load(packed(header, data)))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_it_takes_what_safetensors_writes(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=4))
    arrays = {}
    for name in names:
        dtype = data.draw(st.sampled_from(list(DTYPES.values())))
        shape = data.draw(st.lists(st.integers(0, 3), max_size=4))
        arrays[name] = np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)
    content = safetensors.numpy.save(arrays, {"a": "b"})
    received = ours(content)
    assert received is not None
    _same(received, safetensors.numpy.load(content))


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(HandFile().to_bytes()) - 1), st.integers(0, 255))
def test_altered_bytes(position: int, byte: int) -> None:
    content = bytearray(HandFile().to_bytes())
    content[position] = byte
    arrays = ours(bytes(content))
    if arrays is not None:
        _same(arrays, safetensors.numpy.load(bytes(content)))


def _same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert (array.dtype, array.shape) == (other[name].dtype, other[name].shape)
        assert array.tobytes() == other[name].tobytes()
        assert array.flags.aligned


@pytest.mark.parametrize("metadata", [None, [], 1, "x", True, {"xnorkit": None}, {"xnorkit": {}}, {"a": 1}])
def test_metadata_of_another_kind(metadata: object) -> None:
    content = packed({"__metadata__": metadata})
    with pytest.raises(FormatError, match=r"^the safetensors header: '__metadata__' is .*, but it must be an object"):
        unpack(np.frombuffer(content, np.uint8), None)


@pytest.mark.parametrize("entry", [None, [], 1, {}, {"dtype": "F32", "shape": [], "data_offsets": [0, 4], "more": 1}])
def test_tensors_of_another_kind(entry: object) -> None:
    with pytest.raises(FormatError, match=r"^tensor 'a'.*, but (it|the keys) must be "):
        unpack(np.frombuffer(packed({"a": entry}, b"0000"), np.uint8), None)


def test_an_error_is_one_bounded_line_whatever_the_file_says(tmp_path: Path) -> None:
    name = "\x1b[2J\n" * 10_000
    path = tmp_path / "hostile.xnor"
    path.write_bytes(packed({name: {"dtype": name, "shape": [1], "data_offsets": [0, 1]}}, b"0"))
    with pytest.raises(FormatError) as caught:
        read(path)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".xnor", "x" * 300 + ".xnor", "a\0b.xnor", "a\x1b[2Jb.xnor"])
def test_names_that_no_file_has(name: str) -> None:
    with pytest.raises(XnorkitError) as caught:
        load(name)
    assert ", but " in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


def test_paths_of_bytes() -> None:
    class Bytes:
        def __fspath__(self) -> bytes:
            return b"model.xnor"

    with pytest.raises(InputError, match=r"but it must be the path of a file"):
        load(Bytes())  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    """Nor waits a reader for its other end."""
    os.mkfifo(tmp_path / "pipe.xnor")
    with pytest.raises(FormatError, match=r"is not a regular file, but it must be a \.xnor file"):
        read(tmp_path / "pipe.xnor")
    if Path("/dev/zero").exists():
        with pytest.raises(FormatError, match="is not a regular file"):
            read("/dev/zero")
