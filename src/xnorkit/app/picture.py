"""A picture of any size and mode, in a file or in memory -> the pixels that a model takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

    from xnorkit.runtime import Model

__all__ = ["preprocess", "read_image"]

MODES = {1: "L", 3: "RGB"}
ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")


def preprocess(
    picture: "str | Path | Image.Image | NDArray[np.uint8]", model: "Model", *, invert: bool = False
) -> NDArray[np.uint8]:
    """Return a picture as the pixels that `model(...)` takes: (1, C, H, W) uint8.

    These are the steps of `xnorkit predict`: see `read_image` in the same module. What follows them, the order of
    channels, a mean image and the normalisation, the model does itself.

    Args:
        picture: a file, an image of Pillow, or an array (H, W) or (H, W, 3), grey or RGB.
        model: a packed model, as `xnorkit.load` returns it.
        invert: p becomes 255 - p: for dark strokes on white if the model was trained on light strokes on black.

    Raises:
        InputError: as `read_image`, or an array of another dtype or shape.

    Examples:
        >>> logits = model(preprocess("photo.jpg", model))
    """
    from PIL import Image

    if isinstance(picture, str | Path):
        return read_image(Path(picture), model.input_shape, invert=invert)
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
            raise InputError(
                f"the picture is {picture.dtype} of shape {picture.shape}, but it must be uint8 of shape (H, W) or "
                "(H, W, 3)."
            )
        picture = Image.fromarray(picture)
    return _fitted(picture, "the picture", model.input_shape, invert)


def read_image(path: Path, shape: tuple[int, int, int], *, invert: bool = False) -> NDArray[np.uint8]:
    """Return (1, C, H, W) uint8 pixels: grey for one channel, RGB for three.

    The steps, in this order: rotate as the camera says (EXIF), put transparent pixels over white, reduce 16-bit pixels
    to their upper 8 bits, convert any other mode (palette, CMYK, 1 bit, ...) to grey or RGB, resize the whole picture
    to (H, W) with antialiasing whatever its proportions, and invert if requested. Of several pictures in a file, the
    first one counts.

    Args:
        path: a file that Pillow reads.
        shape: (C, H, W) of the model's input.
        invert: p becomes 255 - p: for dark strokes on white if the model was trained on light strokes on black.

    Raises:
        InputError: the file is missing, not an image, damaged or too large, has floating-point pixels, or the model
            takes neither 1 nor 3 channels.
    """
    from PIL import Image, UnidentifiedImageError

    if shape[0] not in MODES:
        raise InputError(f"the model takes {shape[0]} channels, but for image files it must take 1 (grey) or 3 (RGB).")
    try:
        with Image.open(path) as image:
            return _fitted(image, str(path), shape, invert)
    except FileNotFoundError as error:
        raise InputError(
            f"{path} does not exist, but it must be an image that Pillow reads (PNG, JPEG, ...)."
        ) from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, but it must be an image file. Name one or several.") from error
    except Image.DecompressionBombError as error:
        limit = f"{2 * (Image.MAX_IMAGE_PIXELS or 0):,}"
        raise InputError(f"{path} has too many pixels, but it must have at most {limit}. Make it smaller.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} cannot be read as an image ({error}), but it must be a complete PNG, JPEG, ... file, grey or RGB."
        ) from error


def _fitted(image: "Image.Image", name: str, shape: tuple[int, int, int], invert: bool) -> NDArray[np.uint8]:
    """Return a picture as (1, C, H, W) uint8 pixels."""
    from PIL import Image

    channels, height, width = shape
    if channels not in MODES:
        raise InputError(f"the model takes {channels} channels, but for pictures it must take 1 (grey) or 3 (RGB).")
    shown = _plain(image, name).convert(MODES[channels])
    pixels = np.asarray(shown.resize((width, height), Image.Resampling.BILINEAR))
    pixels = np.ascontiguousarray(pixels.reshape(height, width, channels).transpose(2, 0, 1)[None])
    return 255 - pixels if invert else pixels


def _plain(image: "Image.Image", name: str) -> "Image.Image":
    """Return an upright, opaque picture with 8 bits per channel."""
    from PIL import Image, ImageOps

    upright: Any = ImageOps.exif_transpose(image)
    if upright.mode == "F":
        raise InputError(
            f"{name} has floating-point pixels of unknown range, but it must have 8 or 16 bits per channel."
        )
    if upright.mode.startswith("I"):
        # Pillow's own conversion clips values above 255.
        return Image.fromarray((np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if upright.mode in ALPHA or "transparency" in upright.info:
        over = upright.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return upright
