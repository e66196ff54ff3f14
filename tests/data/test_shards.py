"""webdataset shards: written, read, indexed, refused."""

import json
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import make, make_image_folder, make_shards

from xnorkit.data import create_data, shards, write_shards
from xnorkit.errors import DataError, InputError


def all_images(folder: Path, name: str, **options: object) -> tuple[torch.Tensor, list[int]]:
    data = create_data(name, folder, batch_size=4, image_size=16, flip=False, min_crop=1.0, **options)
    images, labels = zip(*data.train_dataloader(), strict=True)
    return torch.cat(images), torch.cat(labels).tolist()


def test_handwritten_shards(tmp_path: Path) -> None:
    make("webdataset", tmp_path)
    data = create_data("webdataset", tmp_path, image_size=16)
    assert (data.classes, data.split_name, data.input_shape) == (["ant", "bee"], "val", (3, 16, 16))
    assert len(data.train) == 16
    assert data.test_arrays()[1].tolist() == [0, 1] * 4
    images, labels = all_images(tmp_path, "webdataset")
    assert sorted(labels) == [0] * 8 + [1] * 8
    assert len(images.flatten(1).unique(dim=0)) == 16
    make_shards(tmp_path / "all" / "imagenet-webdataset")
    assert create_data("imagenet-webdataset", tmp_path / "all").split_name == "validation (2 of 1000 classes)"
    (tmp_path / "all" / "imagenet-webdataset" / "classes.json").unlink()
    assert create_data("imagenet-webdataset", tmp_path / "all").num_classes == 1000


def test_what_is_written_reads_as_the_folder(tmp_path: Path) -> None:
    make_image_folder(tmp_path / "in", ("ant", "bee", "cat"), {"train": 7, "val": 2})
    (tmp_path / "in" / "train" / "ant" / "3.JPEG").write_bytes(b"damaged")
    assert write_shards(tmp_path / "in", tmp_path / "out", images_per_shard=8) == {"train": 20, "val": 6}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "classes.json",
        *(f"train-{number:06d}.tar" for number in range(3)),
        "val-000000.tar",
    ]
    folder = create_data("imagefolder", tmp_path / "in", image_size=16)
    shards = create_data("webdataset", tmp_path / "out", image_size=16)
    assert shards.classes == folder.classes
    for found, expected in zip(shards.test_arrays(), folder.test_arrays(), strict=True):
        assert np.array_equal(found, expected)
    written = sorted(shards.train.read(index) for index in range(20))
    read = sorted(folder.train.read(index) for index in range(21))
    assert written == [pair for pair in read if pair[0] != b"damaged"]
    assert len(set(shards.train.labels[:8].tolist())) == 3  # a mixture in each shard
    with pytest.raises(InputError, match="must not hold shards"):
        write_shards(tmp_path / "in", tmp_path / "out")
    with pytest.raises(InputError, match="images_per_shard=0"):
        write_shards(tmp_path / "in", tmp_path / "other", images_per_shard=0)


def test_the_webdataset_library_reads_what_is_written(tmp_path: Path) -> None:
    library = pytest.importorskip("webdataset")
    make_image_folder(tmp_path / "in")
    write_shards(tmp_path / "in", tmp_path / "out", images_per_shard=9)
    ours = create_data("webdataset", tmp_path / "out").train
    # Its loop leaves shards to the garbage collector, which warns of the open files.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        urls = [str(path) for path in sorted((tmp_path / "out").glob("train*.tar"))]
        theirs = [(s["jpeg"], int(s["cls"])) for s in library.WebDataset(urls, shardshuffle=False)]
    assert theirs == [ours.read(index) for index in range(len(ours))]


def test_every_image_once_in_any_number_of_workers_and_processes(tmp_path: Path) -> None:
    make("webdataset", tmp_path)
    images, labels = all_images(tmp_path, "webdataset")
    shared = all_images(tmp_path, "webdataset", workers=2)
    assert torch.equal(shared[0], images)
    halves = [all_images(tmp_path, "webdataset", rank=rank, world_size=2) for rank in range(2)]
    assert sorted(halves[0][1] + halves[1][1]) == sorted(labels)
    assert len(torch.cat([halves[0][0], halves[1][0]]).flatten(1).unique(dim=0)) == 16


def test_the_order_reads_few_shards_at_a_time(tmp_path: Path) -> None:
    make_shards(tmp_path / "webdataset", images_per_shard=1)
    source = create_data("webdataset", tmp_path).train
    members = np.arange(16)
    orders = [source.permute(np.random.default_rng(seed), members) for seed in range(20)]
    for order in orders:
        assert sorted(order.tolist()) == members.tolist()
        assert len(set(source.shard[order[:8]].tolist())) == 8
    assert len({tuple(order.tolist()) for order in orders}) == 20
    assert len({tuple(sorted(order[:8].tolist())) for order in orders}) > 10
    assert source.permute(np.random.default_rng(0), members[::2]).tolist() != members[::2].tolist()


def test_the_index_is_kept_and_made_anew_when_a_shard_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    make("webdataset", tmp_path)
    create_data("webdataset", tmp_path)
    shard = tmp_path / "webdataset" / "train-000000.tar"
    kept = shard.with_name(".train-000000.tar.index.npz")
    assert kept.is_file()
    scanned: list[str] = []
    scan = shards._scanned
    monkeypatch.setattr(shards, "_scanned", lambda path: scanned.append(path.name) or scan(path))
    create_data("webdataset", tmp_path)
    assert scanned == []
    kept.write_bytes(kept.read_bytes()[:100])
    create_data("webdataset", tmp_path)
    assert scanned == ["train-000000.tar"]
    content = shard.read_bytes()
    shard.write_bytes(content + bytes(10240))
    assert len(create_data("webdataset", tmp_path).train) == 16
    assert scanned == ["train-000000.tar"] * 2


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    import io

    header = tarfile.TarInfo(name)
    header.size = len(content)
    archive.addfile(header, io.BytesIO(content))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.jpg": b"x"}, r"sample \./a of .* lacks its image or its label"),
        ({"a.cls": b"1"}, r"sample \./a of .* lacks its image or its label"),
        ({"a.jpg": b"x", "a.cls": b"one"}, "a.cls in .* holds b'one', but it must hold a class number"),
        ({"a.jpg": b"x", "a.cls": b"9" * 99}, "must hold a class number"),
        ({"a.txt": b"x"}, "must hold pairs KEY.jpg, KEY.cls, but there are none"),
        ({"a.jpg": b"x", "a.cls": b"5"}, "holds label 5, but labels must be below the 2 classes"),
    ],
    ids=range(6),
)
def test_wrong_shards_are_refused(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    make_shards(tmp_path)
    for shard in tmp_path.glob("train*.tar"):
        shard.unlink()
    with tarfile.open(tmp_path / "train.tar", "w") as archive:
        for name, content in members.items():
            add(archive, name, content)
    with pytest.raises(DataError, match=message):
        create_data("webdataset", tmp_path)


def test_missing_and_damaged_shards(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no shards were found in .*\*train\*\.tar and \*val\*\.tar.*write_shards"):
        create_data("webdataset", tmp_path)
    make_shards(tmp_path)
    shard = tmp_path / "train-000001.tar"
    shard.write_bytes(shard.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"train-000001\.tar is damaged"):
        create_data("webdataset", tmp_path)
    shard.write_bytes(b"nothing" * 100)
    with pytest.raises(DataError, match=r"train-000001\.tar is damaged"):
        create_data("webdataset", tmp_path)
    make_shards(tmp_path)
    (tmp_path / "classes.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(DataError, match="a JSON list of class names"):
        create_data("webdataset", tmp_path)
