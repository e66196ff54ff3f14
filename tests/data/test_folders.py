"""Image folders: what is read, cropped, skipped and refused."""

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import make, make_image_folder, photo

from xnorkit.data import create_data, normalize
from xnorkit.data.folders import imagenet_split
from xnorkit.errors import DataError


def test_images_labels_and_split(tmp_path: Path) -> None:
    make("imagefolder", tmp_path)
    data = create_data("imagefolder", tmp_path, batch_size=4, image_size=32)
    assert (data.classes, data.split_name, data.input_shape) == (["ant", "bee"], "val", (3, 32, 32))
    images, labels = data.test_arrays()
    assert (images.shape, images.dtype) == ((8, 3, 32, 32), np.uint8)
    assert labels.tolist() == [0] * 4 + [1] * 4
    loaded = list(data.test_dataloader())
    assert [len(y) for _, y in loaded] == [4, 4]
    assert torch.equal(torch.cat([x for x, _ in loaded]), normalize(torch.from_numpy(images), data.mean, data.std))
    assert len(data.test_arrays(limit=3)[0]) == 3
    train = list(data.train_dataloader())
    assert [tuple(x.shape) for x, _ in train] == [(4, 3, 32, 32)] * 4
    assert sorted(torch.cat([y for _, y in train]).tolist()) == [0] * 8 + [1] * 8


def test_imagenet_by_its_folders(tmp_path: Path) -> None:
    make("imagenet", tmp_path)
    data = create_data("imagenet", tmp_path)
    assert data.input_shape == (3, 224, 224)
    assert data.split_name == "validation (2 of 1000 classes)"
    assert data.std == (0.229, 0.224, 0.225)
    seed = create_data("imagenet", tmp_path / "imagenet", preprocessing="seed")
    assert seed.input_shape == (3, 227, 227)
    assert seed.std == (1 / 255,) * 3
    for folder, message in (
        (tmp_path / "no", "it does not exist"),
        (tmp_path / "imagenet" / "train", "ImageNet was not found in"),
    ):
        with pytest.raises(DataError, match=message):
            create_data("imagenet", folder)


def test_classes_without_parts_hold_a_fixed_fifth_out(tmp_path: Path) -> None:
    make_image_folder(tmp_path / "all", counts={".": 10})
    data = create_data("imagefolder", tmp_path / "all", image_size=16, batch_size=16)
    assert data.split_name == "held-out 20 %"
    (_, trained), *rest = data.train_dataloader()
    assert (len(trained), rest) == (16, [])
    tested = data.test_arrays()[1]
    assert sorted([*trained.tolist(), *tested.tolist()]) == [0] * 10 + [1] * 10
    assert set(data.train_members.tolist()).isdisjoint(data.test_members.tolist())
    again = create_data("imagefolder", tmp_path / "all", image_size=16, seed=9)
    assert again.test_members.tolist() == data.test_members.tolist()


OPTIONS = {"batch_size": 4, "image_size": 24, "shift": 2, "randaugment": 1, "mixup": 0.3, "cutmix": 1.0}


def test_batches_are_the_same_in_workers_and_processes(tmp_path: Path) -> None:
    make("imagefolder", tmp_path)

    def batches(**options: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
        loader = create_data("imagefolder", tmp_path, **{**OPTIONS, **options}).train_dataloader()
        loader.sampler.set_epoch(2)
        return list(loader)

    alone = batches()
    assert len(alone) == 4
    for found, expected in zip(batches(workers=2), alone, strict=True):
        assert all(map(torch.equal, found, expected))
    halves = [batches(batch_size=2, rank=rank, world_size=2) for rank in range(2)]
    for first, second, expected in zip(*halves, alone, strict=True):
        for a, b, both in zip(first, second, expected, strict=True):
            assert torch.equal(torch.cat([a, b]), both)
    assert not torch.equal(batches(seed=1)[0][0], alone[0][0])


def test_half_of_the_photographs_are_mirrored_unless_told_otherwise(tmp_path: Path) -> None:
    make_image_folder(tmp_path, counts={"train": 24, "val": 1})

    def images(flip: bool | None) -> torch.Tensor:
        data = create_data("imagefolder", tmp_path, batch_size=48, image_size=16, flip=flip)
        return next(iter(data.train_dataloader()))[0]

    plain, mixed = images(flip=False), images(flip=None)
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(plain, mixed, strict=True)]
    assert all(m or torch.equal(a, b) for a, b, m in zip(plain, mixed, mirrored, strict=True))
    assert 12 < sum(mirrored) < 36


def test_selection_is_cropped_like_evaluation(tmp_path: Path) -> None:
    make("imagefolder", tmp_path)
    data = create_data("imagefolder", tmp_path, batch_size=4, image_size=16, selection=0.25, mixup=0.2)
    held_out, again = (list(data.selection_dataloader()) for _ in range(2))
    assert [tuple(x.shape) for x, _ in held_out] == [(4, 3, 16, 16)]
    assert torch.equal(held_out[0][0], again[0][0])
    assert held_out[0][1].dtype == torch.int64
    assert sum(len(x) for x, _ in data.train_dataloader()) == 12


@pytest.mark.parametrize("workers", [0, 2])
def test_damaged_images_are_skipped_counted_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    make("imagefolder", tmp_path)
    ant = tmp_path / "train" / "ant"
    content = (ant / "0.JPEG").read_bytes()
    (ant / "0.JPEG").write_bytes(content[: len(content) // 2])
    (ant / "1.JPEG").write_bytes(b"")
    (ant / "._3.JPEG").write_bytes(b"left by a file manager, and no image")
    data = create_data("imagefolder", tmp_path, batch_size=8, image_size=16, workers=workers)
    (ant / "2.JPEG").write_bytes(b"no image either")
    loader = data.train_dataloader()
    with caplog.at_level(logging.WARNING, "xnorkit.data"):
        assert sum(len(y) for _, y in loader) == 13
        assert [record.getMessage() for record in caplog.records] == [
            f"3 of 16 images are damaged and were skipped: {ant / '0.JPEG'}, {ant / '1.JPEG'}, {ant / '2.JPEG'}"
        ]
        list(loader)
        assert len(caplog.records) == 1  # no news
    for path in (tmp_path / "train").rglob("*.JPEG"):
        path.write_bytes(b"nothing")
    loader = create_data("imagefolder", tmp_path, batch_size=2, image_size=16, workers=workers).train_dataloader()
    with pytest.raises(DataError, match=r"^all 2 images of a batch are damaged, .*JPEG among them\. Check the data\.$"):
        list(loader)


def test_odd_images_are_read_without_a_warning(tmp_path: Path) -> None:
    from PIL import Image

    make_image_folder(tmp_path, counts={"train": 1, "val": 1})
    pixels = photo(3)
    for name, image in {
        "grey.png": Image.fromarray(pixels[..., 0]),
        "clear.png": Image.fromarray(pixels).convert("RGBA"),
        "palette.png": Image.fromarray(pixels).quantize(8),
        "cmyk.jpg": Image.fromarray(pixels).convert("CMYK"),
        "thin.png": Image.fromarray(pixels[:1]),
    }.items():
        image.save(tmp_path / "train" / "ant" / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = create_data("imagefolder", tmp_path, batch_size=7, image_size=16)
        assert [len(y) for _, y in data.train_dataloader()] == [7]


def test_missing_folders_are_named(tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(DataError, match=message):
            create_data("imagefolder", tmp_path)

    refused("has no folders with images, but an image folder must hold train/CLASS")
    make_image_folder(tmp_path, counts={"train": 1})
    refused("has no folder val, validation or test with classes")
    (tmp_path / "val" / "cat").mkdir(parents=True)
    refused("val has the class folders cat, but its classes must be")
    (tmp_path / "val" / "cat").rename(tmp_path / "val" / "ant")
    refused(r"val holds no images, but .* must hold \.jpg")


@pytest.mark.parametrize(
    ("classes", "images", "name"),
    [
        (1000, 50_000, "validation (official)"),
        (1000, 49_999, "validation (49999 of 50000 images)"),
        (100, 5_000, "validation (100 of 1000 classes)"),
    ],
)
def test_a_split_is_official_only_if_it_is_whole(classes: int, images: int, name: str) -> None:
    assert imagenet_split(classes, images) == name
