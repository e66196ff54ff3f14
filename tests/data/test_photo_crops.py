"""Crops of photographs against torchvision, and the rules of the random part."""

import numpy as np
import pytest
import torch
from make_data import jpeg, photo

from xnorkit.data import DataOptions
from xnorkit.data._torchvision import import_transforms
from xnorkit.data.decode import DamagedImageError, Photo
from xnorkit.data.photo_crops import ModernTest, ModernTrain, SquareTest, SquareTrain, crops


class Fixed(ModernTrain):
    """Takes the part that it is told."""

    def box(self, height: int, width: int, generator: np.random.Generator) -> tuple[int, int, int, int]:
        return BOX


BOX = (5, 9, 51, 63)
PIXELS = photo(1, 120, 90)
IMAGE = torch.from_numpy(PIXELS).permute(2, 0, 1)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_evaluation_crops_are_those_of_torchvision() -> None:
    v2 = import_transforms()
    for side, shorter in ((28, 32), (56, 64), (40, 46)):
        expected = v2.Compose([v2.Resize(shorter, antialias=True), v2.CenterCrop(side)])(IMAGE)
        assert torch.equal(ModernTest(side)(Photo(IMAGE), generator()), expected)
    expected = v2.Compose([v2.Resize((64, 64), antialias=True), v2.CenterCrop(57)])(IMAGE)
    assert torch.equal(SquareTest(57)(Photo(IMAGE), generator()), expected)


def test_a_file_is_decoded_as_pillow_does_and_resized_as_on_pillow_images() -> None:
    import io

    from PIL import Image

    v2 = import_transforms()
    content = jpeg(PIXELS)
    image = Image.open(io.BytesIO(content))
    assert torch.equal(Photo(content).pixels()[0], v2.functional.pil_to_tensor(image))
    expected = v2.functional.pil_to_tensor(v2.Compose([v2.Resize(64), v2.CenterCrop(56)])(image))
    found = ModernTest(56)(Photo(content), generator())
    assert (found.int() - expected.int()).abs().max() <= 1


def test_the_random_part_is_resized_as_torchvision_does() -> None:
    top, left, height, width = BOX
    expected = import_transforms().functional.resized_crop(IMAGE, top, left, height, width, [32, 32], antialias=True)
    assert torch.equal(Fixed(32, 0.08)(Photo(IMAGE), generator()), expected)


def test_a_large_jpeg_is_shrunk_while_it_is_decoded() -> None:
    large = photo(2, 960, 720)
    content = jpeg(large, 95)
    assert [tuple(Photo(content).pixels(s)[0].shape[1:]) for s in (1, 1.9, 2, 3.9, 4, 9)] == [
        (720, 960),
        (720, 960),
        (360, 480),
        (360, 480),
        (180, 240),
        (90, 120),
    ]
    whole = SquareTest(57)(Photo(content), generator()).float()
    crop = SquareTrain(57)
    crop.side = crop.square
    shrunk = crop(Photo(content), generator())[:, 3:60, 3:60].float()
    centre = SquareTest(57)
    centre.side = centre.square
    whole = centre(Photo(content), generator())[:, 3:60, 3:60].float()
    assert (shrunk - whole).abs().mean() < 1
    assert (shrunk - whole).abs().max() <= 8


def test_random_parts_keep_to_their_rules() -> None:
    rng, crop = generator(), ModernTrain(32, 0.25)
    boxes = np.array([crop.box(90, 120, rng) for _ in range(500)])
    top, left, height, width = boxes.T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + height <= 90).all()
    assert (left + width <= 120).all()
    area, ratio = height * width / (90 * 120), width / height
    assert 0.24 < area.min() < 0.3
    assert area.max() > 0.8
    assert 0.72 < ratio.min() < 0.8
    assert 1.25 < ratio.max() < 1.37
    # Nothing of full area fits inside a thin image: the largest allowed part in its middle.
    assert ModernTrain(32, 1.0).box(10, 100, rng) == (0, 43, 10, 13)
    assert ModernTrain(32, 1.0).box(100, 10, rng) == (43, 0, 13, 10)


def test_the_seeds_crop_reaches_every_corner() -> None:
    rng, crop = generator(), SquareTrain(62)  # of 70
    rows = torch.arange(70).repeat(3, 70, 1).to(torch.uint8)
    starts = {int(crop(Photo(rows), rng)[0, 0, 0]) for _ in range(200)}
    assert starts == set(range(9))


def test_options_choose_crops() -> None:
    train, test = crops(DataOptions(min_crop=0.3))
    assert (train.side, train.min_crop, test.side, test.shorter) == (224, 0.3, 224, 256)
    train, test = crops(DataOptions(preprocessing="seed"))
    assert (train.side, train.square, test.side, test.square) == (227, 256, 227, 256)


@pytest.mark.parametrize("content", [b"", b"no image", jpeg(PIXELS)[:40]])
def test_what_is_no_image_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedImageError):
        Photo(content).pixels()
    with pytest.raises(DamagedImageError):
        Photo(jpeg(PIXELS)[:900]).pixels()
