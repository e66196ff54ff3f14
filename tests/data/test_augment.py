"""Flip, cutout, mixup, CutMix and RandAugment against what they are defined as, image by image."""

import pytest
import torch

from xnorkit.data import Augmentation, DataOptions, ImageBatches, Split, normalize
from xnorkit.errors import RecipeError

COUNT = 64
COLOURS = ("Brightness", "Color", "Contrast", "Sharpness")


def pixels(channels: int = 3, side: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (COUNT, channels, side, side), dtype=torch.uint8, generator=generator)


def augmented(images: torch.Tensor, epoch: int = 3, **options: object) -> tuple[torch.Tensor, torch.Tensor]:
    split = Split(images, torch.arange(len(images)) % 10)
    mean, std = (0.0,) * images.shape[1], (1.0,) * images.shape[1]
    batches = ImageBatches(split, mean, std, Augmentation(len(images), 10, DataOptions(seed=4, **options)))
    return batches[epoch, torch.arange(len(images))]


def test_flip_mirrors_half_of_the_images() -> None:
    images = pixels()
    found, _ = augmented(images, flip=True)
    plain = normalize(images, (0.0,), (1.0,))
    mirrored = [torch.equal(x, y.flip(2)) for x, y in zip(found, plain, strict=True)]
    same = [torch.equal(x, y) for x, y in zip(found, plain, strict=True)]
    assert [a != b for a, b in zip(mirrored, same, strict=True)] == [True] * COUNT
    assert 16 < sum(mirrored) < 48


def test_cutout_zeroes_one_square() -> None:
    found, _ = augmented(pixels(side=12), cutout=4)
    areas = set()
    for image in found:
        rows, columns = (image == 0).all(0).nonzero().T
        height, width = (rows.max() - rows.min() + 1).item(), (columns.max() - columns.min() + 1).item()
        assert len(rows) == height * width
        assert 2 <= height <= 4
        assert 2 <= width <= 4
        areas.add(height * width)
    assert 16 in areas


def test_mixup_blends_neighbours_and_their_labels() -> None:
    images = pixels()
    found, labels = augmented(images, mixup=0.4)
    plain = normalize(images, (0.0,), (1.0,))
    for i in range(COUNT):
        j = i ^ 1
        share = labels[i, i % 10]
        assert torch.allclose(labels[i].sum(), torch.tensor(1.0))
        assert torch.allclose(labels[i, j % 10], 1 - share, atol=1e-6)
        assert torch.allclose(found[i], share * plain[i] + (1 - share) * plain[j], atol=1e-6)
    assert labels.max(1).values.min() < 0.7


def test_cutmix_pastes_a_box_of_the_neighbour() -> None:
    images = pixels(side=16)
    found, labels = augmented(images, cutmix=1.0)
    plain = normalize(images, (0.0,), (1.0,))
    for i in range(COUNT):
        own, other = (found[i] == plain[i]).all(0), (found[i] == plain[i ^ 1]).all(0)
        assert (own | other).all()
        assert torch.allclose(own.float().mean(), labels[i, i % 10], atol=1 / 256)  # a pixel may be equal by chance
    assert labels.max(1).values.min() < 0.7


def test_both_mixtures_come_in_equal_numbers() -> None:
    images = pixels(side=16)
    found, _ = augmented(images, cutmix=1.0, mixup=1.0)
    plain = normalize(images, (0.0,), (1.0,))
    pasted = sum(bool(((x == plain[i]) | (x == plain[i ^ 1])).all()) for i, x in enumerate(found))
    assert 16 < pasted < 48


def test_an_odd_last_image_stays() -> None:
    images = pixels()[:5]
    found, labels = augmented(images, mixup=0.4)
    assert torch.allclose(found[4], normalize(images, (0.0,), (1.0,))[4])
    assert labels[4].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_floats_are_normalised_already() -> None:
    images = torch.randn(COUNT, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert normalize(images, (9.0,), (9.0,)) is images
    found, _ = augmented(images, flip=True, shift=2)
    assert found.dtype == torch.float32
    with pytest.raises(RecipeError, match=r"data\.randaugment changes pixels"):
        augmented(images, randaugment=2)


def test_randaugment_applies_the_operations_of_torchvision() -> None:
    from xnorkit.data import randaugment
    from xnorkit.data._torchvision import import_transforms
    from xnorkit.data.augment import Draws

    v2 = import_transforms()
    images = pixels(side=32)
    augment = randaugment.RandAugment(Draws(COUNT, 5), count=1, level=9)
    found = augment(images, 3, torch.arange(COUNT))
    assert found.dtype == torch.uint8
    table = augment.draws.rows(randaugment.AUGMENT_STREAM, 3, torch.arange(COUNT), augment._draw)[:, 0]
    own = v2.RandAugment()
    names = ["ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness"]
    names += ["Identity", "Posterize", "Solarize", "AutoContrast", "Equalize"]
    seen = set()
    for image, result, code in zip(images, found, table.tolist(), strict=True):
        name = names[code // 2]
        magnitudes, signed = own._AUGMENTATION_SPACE[name]
        values = magnitudes(31, 32, 32)
        strength = 0.0 if values is None else float(values[9])
        if signed and code % 2:
            strength = -strength
        expected = own._apply_image_or_video_transform(image, name, strength, own.interpolation, own._fill)
        # torchvision takes the strength from a float32 table, here it is a double: a value may round the other way.
        assert (result.int() - expected.int()).abs().max() <= (1 if name in COLOURS else 0), name
        seen.add(name)
    assert seen == set(names)
