"""Contrast normalisation and whitening: their definitions, and the files of the seed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import make_whitened, random_images

from xnorkit.data import (
    DataOptions,
    MemoryData,
    Split,
    Whitening,
    cifar_whitened,
    contrast_normalized,
    create_data,
    write_cifar10_whitened,
)
from xnorkit.errors import DataError, InputError
from xnorkit.format import Preparation


def correlated(count: int, size: int = 6) -> np.ndarray:
    generator = np.random.default_rng(0)
    return (generator.standard_normal((count, size)) @ generator.standard_normal((size, size)) + 3).astype(np.float32)


def test_contrast() -> None:
    images = random_images(0, 5, 3, 8, 8).copy()
    images[2] = 7
    found = contrast_normalized(images).reshape(5, -1)
    assert np.allclose(found.mean(1), 0, atol=1e-5)
    assert np.allclose(np.linalg.norm(found, axis=1), [55, 55, 0, 55, 55], rtol=1e-5)
    x = images[0].astype(np.float64).ravel()
    assert np.allclose(found[0], 55 * (x - x.mean()) / np.linalg.norm(x - x.mean()), atol=1e-4)


def test_whitened_covariance() -> None:
    x = correlated(5000)
    whiten = Whitening(x, filter_bias=0.1)
    found = whiten(x).astype(np.float64)
    assert np.allclose(found.mean(0), 0, atol=1e-5)
    covariance = np.cov(x.astype(np.float64), rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    expected = vectors * (values / (values + 0.1)) @ vectors.T
    assert np.allclose(np.cov(found, rowvar=False, bias=True), expected, atol=1e-4)
    assert np.allclose(whiten.matrix, whiten.matrix.T, atol=1e-5)
    assert np.linalg.eigvalsh(whiten.matrix).min() > 0  # so each component keeps its direction: zero phase


@pytest.mark.parametrize(("count", "bias"), [(1, 0.1), (5, 0.0)])
def test_what_cannot_be_fitted(count: int, bias: float) -> None:
    with pytest.raises(InputError, match=f"{count} images and filter_bias={bias}"):
        Whitening(correlated(count), bias)


@pytest.mark.parametrize("sub", [".", "cifar10-whitened"])
def test_the_seeds_files(tmp_path: Path, sub: str) -> None:
    make_whitened(tmp_path / sub)
    data = create_data("cifar10-whitened", tmp_path, batch_size=16)
    assert (data.input_shape, data.num_classes) == ((3, 32, 32), 10)
    assert (data.mean, data.std, data.preparation) == ((0,) * 3, (1,) * 3, Preparation(prepared="whitened"))
    assert data.split_name == "test_data (which images, the files do not say), whitened"
    values = np.load(tmp_path / sub / "test_data")
    images, labels = data.test_arrays()
    assert np.array_equal(images, values)
    assert labels.tolist() == [i % 10 for i in range(32)]
    assert torch.equal(next(iter(data.test_dataloader()))[0], torch.from_numpy(values))
    assert sum(len(x) for x, _ in data.train_dataloader()) == 64


@pytest.mark.parametrize(
    ("mean", "std", "word"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "pixels normalised by ImageNet's mean and std"),
        ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), "pixels normalised by CIFAR-10's mean and std"),
        ((0, 0, 0), (1, 1, 1), "pixels of 0 to 1"),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "pixels of -1 to 1"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_files_of_plain_pixels_are_not_called_whitened(
    tmp_path: Path, mean: tuple[float, ...], std: tuple[float, ...], word: str, dtype: type
) -> None:
    make_whitened(tmp_path)
    columns = (np.array(values, dtype)[:, None, None] for values in (mean, std))
    offset, scale = columns
    pixels = random_images(0, 32, 3, 32, 32)
    values = ((pixels / dtype(255) - offset) / scale).astype(dtype)
    with (tmp_path / "test_data").open("wb") as file:
        np.save(file, values)
    data = create_data("cifar10-whitened", tmp_path)
    assert data.preparation == Preparation(prepared=word)
    assert data.split_name == f"test_data (which images, the files do not say), {word}"


def test_writing_and_reading_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = torch.from_numpy(random_images(0, 48, 3, 32, 32).copy())
    labels = torch.arange(48) % 10
    source = MemoryData(
        name="cifar10",
        classes=list("0123456789"),
        mean=(0,),
        std=(1,),
        split_name="batch 5 (of the training set)",
        options=DataOptions(),
        train=Split(pixels[:40], labels[:40]),
        test=Split(pixels[40:], labels[40:]),
    )
    monkeypatch.setattr(cifar_whitened, "cifar10", lambda root: source)
    # A fit to 3,072 values takes half a minute; that of six is tested above.
    monkeypatch.setattr(cifar_whitened, "Whitening", lambda train: lambda images: images - train.mean(0))
    write_cifar10_whitened(None, tmp_path / "out")
    data = create_data("cifar10-whitened", tmp_path / "out")
    assert data.split_name == "batch 5 (of the training set), whitened"
    train = contrast_normalized(pixels[:40].numpy())
    assert np.array_equal(data.train.images.numpy(), train - train.mean(0))
    test = contrast_normalized(pixels[40:].numpy())
    assert np.array_equal(data.test.images.numpy(), test - train.mean(0))
    assert torch.equal(data.test.labels, labels[40:])


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="write_cifar10_whitened"):
        create_data("cifar10-whitened", tmp_path)

    def saved(name: str, array: np.ndarray) -> None:
        make_whitened(tmp_path)
        with (tmp_path / name).open("wb") as file:
            np.save(file, array)

    for name, array, message in (
        (
            "train_data",
            np.zeros((4, 3, 32, 31), np.float32),
            r"shape \(4, 3, 32, 31\), but it must hold floats of shape",
        ),
        ("train_data", np.zeros((4, 3, 32, 32), np.uint8), "holds uint8 of shape"),
        ("test_data", np.full((32, 3, 32, 32), np.nan), "it must hold finite numbers"),
        ("test_labels", np.zeros(31, int), r"it must hold integers 0 to 9 of shape \(32,\)"),
        ("train_labels", np.full(64, 10), "integers 0 to 9"),
        ("train_labels", np.array([{}] * 64), "must be a file of numpy.save"),
    ):
        saved(name, array)
        with pytest.raises(DataError, match=message):
            create_data("cifar10-whitened", tmp_path)
    make_whitened(tmp_path)
    content = (tmp_path / "test_data").read_bytes()
    (tmp_path / "test_data").write_bytes(content[:5000])
    with pytest.raises(DataError, match=r"test_data must be a file of numpy\.save"):
        create_data("cifar10-whitened", tmp_path)
    (tmp_path / "test_labels").unlink()
    with pytest.raises(DataError, match="it lacks test_labels"):
        create_data("cifar10-whitened", tmp_path)
