"""Image files of any size and mode -> the pixels that a model takes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xnorkit.app.picture import read_image
from xnorkit.errors import InputError

GREY, COLOUR = (1, 16, 16), (3, 16, 16)
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def chw(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels.transpose(2, 0, 1)[None]


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    eight = saved(tmp_path / "8.png", Image.fromarray(RAMP))
    sixteen = saved(tmp_path / "16.png", Image.fromarray(RAMP.astype(np.uint16) * 257))
    for path in (eight, sixteen):
        np.testing.assert_array_equal(read_image(path, GREY), RAMP[None, None])


def test_grey_for_a_colour_model_and_back(tmp_path: Path) -> None:
    grey = saved(tmp_path / "grey.png", Image.fromarray(RAMP))
    np.testing.assert_array_equal(read_image(grey, COLOUR), np.repeat(RAMP[None, None], 3, 1))
    colour = saved(tmp_path / "colour.png", Image.fromarray(PICTURE))
    np.testing.assert_array_equal(read_image(colour, COLOUR), chw(PICTURE))
    np.testing.assert_array_equal(read_image(colour, GREY)[0, 0], np.asarray(Image.fromarray(PICTURE).convert("L")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_white(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(PICTURE).convert("RGB").convert(mode)
    alpha = np.full((16, 16), 255, np.uint8)
    alpha[:8] = 0
    image.putalpha(Image.fromarray(alpha))
    pixels = read_image(saved(tmp_path / "t.png", image), COLOUR)
    assert (pixels[..., :8, :] == 255).all()
    np.testing.assert_array_equal(pixels[..., 8:, :], chw(np.asarray(image.convert("RGB")))[..., 8:, :])


def test_palettes(tmp_path: Path) -> None:
    image = Image.fromarray(PICTURE).quantize(16)
    plain = saved(tmp_path / "p.png", image)
    np.testing.assert_array_equal(read_image(plain, COLOUR), chw(np.asarray(image.convert("RGB"))))
    clear = saved(tmp_path / "clear.gif", image, transparency=int(np.asarray(image)[0, 0]))
    assert (read_image(clear, COLOUR)[0, :, 0, 0] == 255).all()


def test_print_colours_and_single_bits(tmp_path: Path) -> None:
    white = saved(tmp_path / "white.jpg", Image.new("CMYK", (20, 20), (0, 0, 0, 0)))
    assert (read_image(white, COLOUR) == 255).all()
    bits = saved(tmp_path / "bits.png", Image.fromarray(RAMP > 127))
    np.testing.assert_array_equal(read_image(bits, GREY)[0, 0], np.where(RAMP > 127, 255, 0))


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (640, 480)])
def test_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(tmp_path / "any.png", Image.new("RGB", size, (10, 20, 30)))
    np.testing.assert_array_equal(read_image(path, COLOUR)[0, :, 5, 5], [10, 20, 30])


def test_turned_as_the_camera_says(tmp_path: Path) -> None:
    image = Image.fromarray(np.where(np.arange(16) < 8, 0, 255).astype(np.uint8)[:, None].repeat(16, 1))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = read_image(saved(tmp_path / "camera.png", image, exif=exif), GREY)
    np.testing.assert_array_equal(pixels[0, 0], np.asarray(image)[::-1])


def test_invert(tmp_path: Path) -> None:
    path = saved(tmp_path / "grey.png", Image.fromarray(RAMP))
    np.testing.assert_array_equal(read_image(path, GREY, invert=True), 255 - RAMP[None, None])


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder, but it must be an image file"):
        read_image(tmp_path, (1, 8, 8))


def test_refusals_name_the_file(tmp_path: Path) -> None:
    torn = saved(tmp_path / "torn.png", Image.fromarray(PICTURE))
    torn.write_bytes(torn.read_bytes()[:-200])
    text = tmp_path / "text.png"
    text.write_text("no picture", encoding="utf-8")
    for path in (torn, text):
        with pytest.raises(InputError, match=f"{path.name} cannot be read as an image"):
            read_image(path, COLOUR)
    with pytest.raises(InputError, match="does not exist"):
        read_image(tmp_path / "missing.png", COLOUR)
    numbers = saved(tmp_path / "f.tiff", Image.fromarray(np.ones((4, 4), np.float32)))
    with pytest.raises(InputError, match="floating-point pixels of unknown range"):
        read_image(numbers, GREY)
    with pytest.raises(InputError, match=r"takes 2 channels, but for image files it must take 1 \(grey\) or 3"):
        read_image(text, (2, 4, 4))


def test_a_picture_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "large.png", Image.new("L", (64, 64)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"too many pixels, but it must have at most 200\. Make it smaller"):
        read_image(path, GREY)
