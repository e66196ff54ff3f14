"""CIFAR in both official versions: what is read, which split is reported, what is refused."""

import shutil
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import counting, make_cifar10, make_cifar100, python2_pickle, random_images

from xnorkit.data import _torchvision, create_data
from xnorkit.errors import DataError

FOLDERS = {"cifar-10-batches-py": False, "cifar-10-batches-bin": True}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cifar")
    for name, binary in FOLDERS.items():
        make_cifar10(folder / name, binary=binary)
    yield folder
    shutil.rmtree(folder)


def linked(root: Path, folder: Path, *leave_out: str) -> Path:
    """Return a folder with links to the files of `root`, save some."""
    folder.mkdir(parents=True)
    for path in root.iterdir():
        if path.name not in leave_out:
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("version", FOLDERS)
@pytest.mark.parametrize("sub", [True, False])
def test_official_split(root: Path, tmp_path: Path, version: str, sub: bool) -> None:
    linked(root / version, tmp_path / "data" / version if sub else tmp_path / "data")
    data = create_data("cifar10", tmp_path / "data")
    assert data.split_name == "test (official)"
    assert data.input_shape == (3, 32, 32)
    assert data.num_classes == 10
    assert len(data.train.images) == 50_000
    for number in range(1, 6):
        part = data.train.images[(number - 1) * 10_000 : number * 10_000]
        assert np.array_equal(part.numpy(), random_images(number, 10_000, 3, 32, 32))
    images, labels = data.test_arrays()
    assert np.array_equal(images, random_images(6, 10_000, 3, 32, 32))
    assert np.array_equal(labels, counting(10_000, 10))
    assert labels.dtype == np.int64


@pytest.mark.parametrize("version", FOLDERS)
def test_without_the_test_batch_the_fifth_is_evaluated(root: Path, tmp_path: Path, version: str) -> None:
    linked(root / version, tmp_path / version, "test_batch", "test_batch.bin")
    data = create_data("cifar10", tmp_path)
    assert data.split_name == "batch 5 (of the training set)"
    assert len(data.train.images) == 40_000
    assert np.array_equal(data.test.images.numpy(), random_images(5, 10_000, 3, 32, 32))


def test_a_single_missing_file_is_named(root: Path, tmp_path: Path) -> None:
    linked(root / "cifar-10-batches-bin", tmp_path / "cifar-10-batches-bin", "data_batch_3.bin")
    with pytest.raises(DataError, match=r"cifar-10-batches-bin is incomplete: it lacks data_batch_3\.bin\."):
        create_data("cifar10", tmp_path)
    with pytest.raises(DataError, match="does not exist") as caught:
        create_data("cifar10", tmp_path / "nowhere")
    for expected in ("test_batch.bin", "data_batch_5,", "(download=True)", "cifar-10-batches-py"):
        assert expected in str(caught.value)


def test_damage_is_named(root: Path, tmp_path: Path) -> None:
    folder = linked(root / "cifar-10-batches-bin", tmp_path / "a", "data_batch_2.bin")
    content = (root / "cifar-10-batches-bin" / "data_batch_2.bin").read_bytes()
    for damaged, message in (
        (content[:-1], "holds 30729999 bytes, but it must hold exactly 30730000, 10000 records of 3073"),
        (content + b"1", "holds more bytes"),
        (b"\x0a" + content[1:], "labels 0 to 10, but they must be from 0 to 9"),
    ):
        (folder / "data_batch_2.bin").write_bytes(damaged)
        with pytest.raises(DataError, match=message):
            create_data("cifar10", folder)
    folder = linked(root / "cifar-10-batches-py", tmp_path / "b", "data_batch_1")
    images = random_images(1, 10_000, 3072)
    for damaged, message in (
        (
            python2_pickle(images[:9], {"labels": [1] * 9}),
            r"'data' of shape \(9, 3072\), but the shape must be \(10000, 3072\)",
        ),
        (python2_pickle(images, {"labels": [1] * 9}), "must hold a list of 10000 integers, 'labels'"),
        (python2_pickle(images, {"fine_labels": [1] * 10_000}), "must hold a list of 10000 integers, 'labels'"),
    ):
        (folder / "data_batch_1").write_bytes(damaged)
        with pytest.raises(DataError, match=message):
            create_data("cifar10", folder)


@pytest.mark.parametrize("binary", [False, True])
def test_cifar100_has_fine_labels(tmp_path: Path, binary: bool) -> None:
    make_cifar100(tmp_path / ("cifar-100-binary" if binary else "cifar-100-python"), binary=binary)
    data = create_data("cifar100", tmp_path)
    shutil.rmtree(tmp_path)
    assert (data.num_classes, data.split_name, len(data.train.labels)) == (100, "test (official)", 50_000)
    assert torch.equal(data.test.labels, torch.arange(10_000) % 100)
    assert np.array_equal(data.test.images.numpy(), random_images(10_000, 10_000, 3, 32, 32))
    assert data.classes[:2] == ["apple", "aquarium_fish"]
    assert len(set(data.classes)) == 100


def test_download_arrives_whole_or_not_at_all(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(folder: str, download: bool) -> None:
        assert download
        linked(root / "cifar-10-batches-py", Path(folder) / "cifar-10-batches-py")
        (Path(folder) / "cifar-10-python.tar.gz").write_bytes(b"archive")
        if not works:
            print("Downloading ...")
            raise OSError("no\nnetwork.")

    datasets = types.SimpleNamespace(CIFAR10=download)
    monkeypatch.setattr(_torchvision, "import_torchvision", lambda: types.SimpleNamespace(datasets=datasets))
    works = False
    with pytest.raises(DataError, match=r"download of CIFAR-10 into .* failed: no network\. It needs a network"):
        create_data("cifar10", tmp_path / "new" / "data", download=True)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""
    works = True
    create_data("cifar10", tmp_path / "new", download=True)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["cifar-10-batches-py"]


def test_official_files() -> None:
    """The real batches, where they are: their checksum stands for all pixels, the classes are balanced."""
    import os

    folder = os.environ.get("XNORKIT_DATA")
    if not folder or not (Path(folder) / "cifar-10-batches-bin" / "data_batch_1.bin").is_file():
        pytest.skip("XNORKIT_DATA is not set, or has no cifar-10-batches-bin/data_batch_1.bin")
    data = create_data("cifar10", folder)
    everything = torch.cat([data.train.images, data.test.images])[:50_000]
    pixels = everything.double() / 255
    assert [round(value, 4) for value in pixels.mean((0, 2, 3)).tolist()] == list(data.mean)
    assert [round(value, 4) for value in pixels.std((0, 2, 3)).tolist()] == [0.2470, 0.2435, 0.2616]
    assert data.train.labels[:8].tolist() == [6, 9, 9, 4, 1, 1, 2, 7]


def test_packed_files_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "data_batch_1.bin.xz").touch()
    with pytest.raises(DataError, match=r"data_batch_1\.bin\.xz of CIFAR-10 is compressed, but it must be unpacked"):
        create_data("cifar10", tmp_path)
