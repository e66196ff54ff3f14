"""Normalisation, batch order and shifts, and the digits."""

import numpy as np
import pytest
import torch

from xnorkit.data import Augmentation, BatchOrder, DataOptions, ImageBatches, Split, create_data, list_data, normalize
from xnorkit.errors import RecipeError


def test_normalisation_is_three_float32_operations_in_order() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    mean, std = np.float32(0.1307), np.float32(0.3081)
    expected = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    image = torch.from_numpy(pixels).view(1, 1, 16, 16)
    result = normalize(image, (0.1307,), (0.3081,))
    assert result.dtype == torch.float32
    assert np.array_equal(result.numpy().ravel(), expected)


def test_normalisation_per_channel() -> None:
    image = torch.tensor([0, 255, 51], dtype=torch.uint8).view(1, 3, 1, 1)
    assert normalize(image, (0.0, 0.5, 0.2), (1.0, 0.5, 2.0)).flatten().tolist() == [0, 1, 0]


def order(seed: int | None, epoch: int, size: int = 10, batch: int = 4, drop: bool = False) -> list[list[int]]:
    sampler = BatchOrder(size, batch, seed, drop)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert {e for e, _ in batches} == {epoch}
    return [indices.tolist() for _, indices in batches]


def test_order_depends_on_seed_and_epoch_only() -> None:
    torch.manual_seed(1)
    first = order(5, 3)
    torch.manual_seed(2)
    assert order(5, 3) == first
    assert order(5, 4) != first
    assert order(6, 3) != first
    assert sorted(index for batch in first for index in batch) == list(range(10))
    assert [len(batch) for batch in first] == [4, 4, 2]


def test_order_without_seed_and_with_dropped_rest() -> None:
    assert order(None, 7) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [len(batch) for batch in order(1, 0, drop=True)] == [4, 4]
    assert [len(batch) for batch in order(1, 0, size=3, drop=True)] == [3]


def plain(images: torch.Tensor, shift: int, seed: int = 0) -> ImageBatches:
    split = Split(images, torch.arange(len(images)))
    augmentation = Augmentation(len(images), 10, DataOptions(shift=shift, seed=seed))
    return ImageBatches(split, (0.0,), (1 / 255,), augmentation)


def test_shift_moves_each_image_as_drawn_for_its_index() -> None:
    images = torch.randint(1, 256, (64, 1, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batches = plain(images, shift=2)
    moved, labels = batches[3, torch.arange(64)]
    assert labels.tolist() == list(range(64))
    seen = set()
    for image, result in zip(images[:, 0].numpy(), moved[:, 0].numpy(), strict=True):
        padded = np.pad(image, 2).astype(np.float32)
        windows = {(i, j): padded[i : i + 6, j : j + 5] for i in range(5) for j in range(5)}
        found = [key for key, window in windows.items() if np.allclose(window, result, atol=1e-3)]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 15  # of 25 possible moves
    other, _ = batches[3, torch.tensor([9, 4])]
    assert torch.equal(other, moved[[9, 4]])  # whatever batch an image comes in
    again, _ = plain(images, shift=2)[3, torch.arange(64)]
    assert torch.equal(again, moved)
    assert not torch.equal(batches[4, torch.arange(64)][0], moved)
    assert not torch.equal(plain(images, shift=2, seed=1)[3, torch.arange(64)][0], moved)


def test_digits() -> None:
    data = create_data("digits", batch_size=100, seed=1)
    assert (data.name, data.num_classes, data.input_shape, data.split_name) == (
        "digits",
        10,
        (1, 28, 28),
        "held-out 20 %",
    )
    assert data.classes == list("0123456789")
    assert (len(data.train.images), len(data.test.images)) == (1437, 360)
    assert set(torch.bincount(data.test.labels).tolist()) <= {35, 36, 37}
    assert data.train.images.dtype == torch.uint8
    assert data.train.images.max() == 255
    batches = list(data.train_dataloader())
    assert [tuple(images.shape) for images, _ in batches] == [(100, 1, 28, 28)] * 14
    x = torch.cat([images for images, _ in batches])
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 1) < 0.02
    images, labels = next(iter(data.test_dataloader()))
    pixels, numbers = data.test_arrays()
    assert np.array_equal(labels.numpy(), numbers)
    assert torch.equal(images, normalize(torch.from_numpy(pixels), data.mean, data.std))


def test_digits_are_the_source_enlarged() -> None:
    from sklearn.datasets import load_digits

    from xnorkit.data.sklearn_digits import _enlarged

    images = load_digits().images
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(images)[:, None], (28, 28), mode="bilinear", align_corners=False
    )
    assert np.abs(_enlarged(images) - expected[:, 0].numpy() * 255 / 16).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("digit", {}, "'digit' is not a data set. Did you mean digits"),
        ("zzz", {}, "Choose one of cifar10, cifar10-whitened"),
        ("digits", {"batch_size": 0}, "batch_size=0, but it must be at least 1"),
        ("digits", {"shift": -1}, "data.shift=-1, but it must be at least 0"),
        ("digits", {"seed": -1}, "seed=-1, but it must be at least 0"),
    ],
)
def test_bad_options(name: str, options: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        create_data(name, **options)


def test_list() -> None:
    names = "cifar10 cifar10-whitened cifar100 digits fashion-mnist imagefolder imagenet imagenet-lmdb"
    assert list_data() == [*names.split(), "imagenet-webdataset", "mnist", "webdataset"]
