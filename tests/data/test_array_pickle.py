"""Pickles of arrays: what Python 2 and 3 wrote is read; nothing in a hostile one is executed."""

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from make_data import python2_pickle, random_images

from xnorkit.data.array_pickle import read_array_pickle
from xnorkit.errors import DataError

LIMIT = 100_000


def written(folder: Path, content: bytes) -> Path:
    path = folder / "batch"
    path.write_bytes(content)
    return path


def test_as_python_2_wrote_it(tmp_path: Path) -> None:
    images = random_images(0, 10, 12)
    found = read_array_pickle(written(tmp_path, python2_pickle(images, {"labels": [3, 999]})), LIMIT)
    assert set(found) == {"labels", "data"}
    assert np.array_equal(found["data"], images)
    assert found["labels"] == [3, 999]
    # The handwritten bytes are a pickle for the ordinary unpickler too, so they are what the format says.
    theirs = pickle.loads(python2_pickle(images, {"labels": [3]}), encoding="bytes")
    assert np.array_equal(theirs[b"data"], images)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_as_this_numpy_writes_it(tmp_path: Path, protocol: int) -> None:
    images = random_images(1, 4, 5).copy()
    content = pickle.dumps({"data": images, b"names": ["a", b"b"]}, protocol)
    if protocol == 5:  # its arrays are made by another function, which no published file names
        with pytest.raises(DataError, match="_frombuffer, which data does not need"):
            read_array_pickle(written(tmp_path, content), LIMIT)
        return
    found = read_array_pickle(written(tmp_path, content), LIMIT)
    assert np.array_equal(found["data"], images)
    assert found["names"] == ["a", b"b"]


class Hostile:
    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.target}",)


def test_nothing_is_executed(tmp_path: Path) -> None:
    target = tmp_path / "executed"
    content = pickle.dumps({"data": Hostile(str(target))}, 2)
    with pytest.raises(
        DataError, match=r"names (posix|nt)\.system, which data does not need.*Nothing in it was executed"
    ):
        read_array_pickle(written(tmp_path, content), LIMIT)
    assert not target.exists()
    pickle.loads(content)
    assert target.exists()  # the same bytes do run a command in the ordinary unpickler


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a pickle of plain arrays"),
        (b"\x80\x02cbuiltins\neval\nU\x011\x85R.", "names builtins.eval"),
        (b"\x80\x02cnumpy\nload\nU\x011\x85R.", "names numpy.load"),
        (b"\x80\x02cnumpy\nndarray.tofile\n.", "names numpy.ndarray.tofile"),
        (b"\x80\x02K\x01Q.", "outside the file"),
        (b"\x80\x02]" + b"r" + struct.pack("<I", 2**31) + b".", "asks for 2147483648 memo positions"),
        (pickle.dumps([1, 2], 2), "holds a list"),
        (pickle.dumps({"a": np.zeros(3)}, 2), "not of uint8"),
        (pickle.dumps({"a": np.asfortranarray(np.zeros((2, 3), np.uint8))}, 2), "not of uint8 in C order"),
        (python2_pickle(random_images(0, 4, 4), {})[:-9], "must be a pickle of plain arrays"),
        (python2_pickle(random_images(0, 4, 4), {}).replace(b"K\x04K\x04\x86", b"K\x05K\x04\x86"), "cannot reshape"),
        (bytes(LIMIT + 5), f"more than {LIMIT} bytes"),
    ],
    ids=range(12),
)
def test_damage_and_malice_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_array_pickle(written(tmp_path, content), LIMIT)
    assert str(tmp_path / "batch") in str(caught.value)
