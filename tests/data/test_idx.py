"""The idx parser: handwritten bytes in, array or exact error out."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from xnorkit.data.mnist_files import read_idx
from xnorkit.errors import DataError

GOOD = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 13, 14, 255])


def write(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_values(tmp_path: Path) -> None:
    expected = np.array([[10, 11, 12], [13, 14, 255]], np.uint8)
    assert np.array_equal(read_idx(write(tmp_path, GOOD), (2, 3)), expected)
    assert np.array_equal(read_idx(write(tmp_path, gzip.compress(GOOD), "file.gz"), (2, 3)), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with the bytes '', but it must begin with 00000802"),
        (b"\0\0\x08\x03" + GOOD[4:], "begins with the bytes '00000803', but it must begin with 00000802"),
        (b"\0\0\x0d\x02" + GOOD[4:], "begins with the bytes '00000d02'"),
        (GOOD[:9], "ends after 9 bytes, inside its header"),
        (GOOD[:7] + b"\x03" + GOOD[8:], r"declares shape \(3, 3\), but the shape must be \(2, 3\)"),
        (GOOD[:4] + b"\xff" + GOOD[5:], r"declares shape \(4278190082, 3\)"),
        (GOOD[:-1], "holds 17 bytes, but it must hold exactly 18"),
        (GOOD + b"\0", "holds more bytes, but it must hold exactly 18"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_idx(write(tmp_path, content), (2, 3))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [GOOD, gzip.compress(GOOD)[:-9], gzip.compress(GOOD)[:-8] + bytes(8), gzip.compress(GOOD)[:10] + b"\xff" * 20],
    ids=["raw", "truncated", "checksum", "stream"],
)
def test_damaged_compression(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"not a complete gzip file"):
        read_idx(write(tmp_path, content, "file.gz"), (2, 3))


def test_unreadable_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be readable"):
        read_idx(tmp_path, (2, 3))


def test_a_long_file_is_not_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(GOOD + bytes(50_000_000)), "file.gz")
    with pytest.raises(DataError, match="holds more bytes"):
        read_idx(path, (2, 3))
