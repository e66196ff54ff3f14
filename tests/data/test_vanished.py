"""Files of a data set that are gone are called missing, not damaged."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xnorkit.data.cifar import read_cifar_binary, read_cifar_pickle
from xnorkit.data.folders import FolderSource
from xnorkit.data.mnist_files import read_idx
from xnorkit.data.shards import ShardSource, shard_index
from xnorkit.errors import DataError


def image_folder(folder: Path) -> None:
    for name in ("ant", "bee"):
        (folder / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / name / "0.png")


READERS: dict[str, Callable[[Path], object]] = {
    "idx": lambda path: read_idx(path, (1,)),
    "idx.gz": lambda path: read_idx(path.with_suffix(".gz"), (1,)),
    "cifar binary": lambda path: read_cifar_binary(path, 1, 1),
    "cifar pickle": lambda path: read_cifar_pickle(path, 1, "labels"),
    "shard": shard_index,
}


@pytest.mark.parametrize("reader", READERS)
def test_files(reader: str, tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path / "file" / "below"):
        (tmp_path / "file").touch()
        with pytest.raises(DataError, match=r"is missing .*, but the files of a data set must stay") as caught:
            READERS[reader](path)
        assert "damaged" not in str(caught.value)


def test_a_photograph(tmp_path: Path) -> None:
    image_folder(tmp_path)
    source = FolderSource(tmp_path, ["ant", "bee"])
    (tmp_path / "ant/0.png").unlink()
    with pytest.raises(DataError, match=r"ant/0\.png is missing \(No such file or directory\)"):
        source.read(0)
    assert source.read(1)[1] == 1


def test_a_shard(tmp_path: Path) -> None:
    from xnorkit.data import write_shards

    image_folder(tmp_path / "in/train")
    image_folder(tmp_path / "in/val")
    write_shards(tmp_path / "in", tmp_path / "out")
    shards = sorted((tmp_path / "out").glob("*train*.tar"))
    source = ShardSource(shards)
    os.remove(shards[0])
    with pytest.raises(DataError, match=r"\.tar is missing"):
        source.read(0)
