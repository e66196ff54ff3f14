"""MNIST from a folder: where it is looked for, what is refused, what the real files hold."""

import gzip
import importlib.util
import os
import struct
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from xnorkit.data import _torchvision, create_data
from xnorkit.errors import DataError

FILES = {"train-images-idx3-ubyte": 60_000, "train-labels-idx1-ubyte": 60_000}
FILES |= {"t10k-images-idx3-ubyte": 10_000, "t10k-labels-idx1-ubyte": 10_000}


def fake_files(folder: Path, label: int = 9, suffix: str = "") -> None:
    """Write files of the official shape: image i is filled with i mod 256, labels count to 9."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in FILES.items():
        values = np.arange(count) % 256 if "images" in name else np.minimum(np.arange(count) % 10, label)
        if label > 9 and "labels" in name:
            values[7] = label
        if "images" in name:
            content = struct.pack(">4I", 0x803, count, 28, 28) + np.repeat(values, 784).astype(np.uint8).tobytes()
        else:
            content = struct.pack(">2I", 0x801, count) + values.astype(np.uint8).tobytes()
        (folder / (name + suffix)).write_bytes(gzip.compress(content, 1) if suffix else content)


@pytest.mark.parametrize(("sub", "suffix"), [(".", ""), ("mnist", ".gz"), ("MNIST/raw", "")])
def test_folders_and_compression(tmp_path: Path, sub: str, suffix: str) -> None:
    fake_files(tmp_path / sub, suffix=suffix)
    data = create_data("mnist", root=tmp_path)
    assert (len(data.train.images), len(data.test.images)) == (60_000, 10_000)
    assert data.input_shape == (1, 28, 28)
    assert data.split_name == "test (official)"
    images, labels = data.test_arrays()
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert np.array_equal(images[:, 0, 27, 27], np.arange(10_000) % 256)
    assert np.array_equal(labels, np.arange(10_000) % 10)


def test_folder_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=str(tmp_path)):
        create_data("mnist")
    monkeypatch.delenv("XNORKIT_DATA")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"MNIST was not found in data, .* \(data does not exist\)"):
        create_data("mnist")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        create_data("mnist", root=tmp_path)
    message = str(caught.value)
    assert all(name in message for name in FILES)
    assert "(download=True)" in message
    assert str(tmp_path / "MNIST/raw") in message
    fake_files(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"is incomplete: it lacks t10k-labels-idx1-ubyte\. Pass the folder"):
        create_data("mnist", root=tmp_path)


def test_fashion_mnist(tmp_path: Path) -> None:
    fake_files(tmp_path / "FashionMNIST/raw")
    data = create_data("fashion-mnist", root=tmp_path)
    assert (data.name, data.classes[9], data.split_name) == ("fashion-mnist", "Ankle boot", "test (official)")
    assert len(data.train.images) == 60_000


def test_a_label_beyond_nine(tmp_path: Path) -> None:
    fake_files(tmp_path, label=10)
    with pytest.raises(DataError, match="label 10, but labels must be from 0 to 9"):
        create_data("mnist", root=tmp_path)


def test_download_only_when_asked_and_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def download(root: str, download: bool) -> None:
        calls.append((root, download))
        fake_files(Path(root) / "MNIST/raw")

    stand_in = types.SimpleNamespace(datasets=types.SimpleNamespace(MNIST=download))
    monkeypatch.setattr(_torchvision, "import_torchvision", lambda: stand_in)
    with pytest.raises(DataError):
        create_data("mnist", root=tmp_path)
    for _ in range(2):
        create_data("mnist", root=tmp_path, download=True)
    assert [(Path(folder).parent, asked) for folder, asked in calls] == [(tmp_path, True)]
    assert [path.name for path in tmp_path.iterdir()] == ["MNIST"]


def test_failed_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(root: str, download: bool) -> None:
        raise RuntimeError("no network")

    stand_in = types.SimpleNamespace(datasets=types.SimpleNamespace(MNIST=download))
    monkeypatch.setattr(_torchvision, "import_torchvision", lambda: stand_in)
    with pytest.raises(DataError, match=r"download of MNIST into .* failed: no network"):
        create_data("mnist", root=tmp_path, download=True)


def test_torchvision_can_be_imported_for_the_download() -> None:
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    from xnorkit.data._torchvision import import_torchvision

    assert callable(import_torchvision().datasets.MNIST)


def test_official_files() -> None:
    root = os.environ.get("XNORKIT_DATA")
    if not root or not (Path(root) / "mnist").is_dir():
        pytest.skip("XNORKIT_DATA is not set, or has no folder mnist")
    data = create_data("mnist", root=root)
    assert torch.bincount(data.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.train.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    pixels = data.train.images.double() / 255
    assert round(pixels.mean().item(), 4) == data.mean[0]
    assert round(pixels.std().item(), 4) == data.std[0]
