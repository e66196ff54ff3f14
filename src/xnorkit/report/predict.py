"""An image file of any size and mode -> the top classes of a packed model."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError
from xnorkit.runtime import Model

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["predict_file", "read_image", "softmax"]


def predict_file(model: Model, path: Path, top: int = 3) -> dict[str, Any]:
    """Return `image`, `classes` (each `class`, `probability`) best first, and `microseconds` of a warm run.

    Raises:
        InputError: `top` is below 1, the model takes no pixels, or as `read_image`.
    """
    if top < 1:
        raise InputError(f"--top {top}; required: at least 1.")
    if model.graph.input.normalization is None:
        raise InputError(
            f"model '{model.graph.name}' has no normalisation for pixels; required: one in the file, as "
            "pack(..., normalization=Normalization(mean, std)) or `xnorkit export` writes it."
        )
    pixels = read_image(path, model.input_shape)
    model(pixels)
    start = time.perf_counter()
    logits = model(pixels)[0]
    microseconds = (time.perf_counter() - start) * 1e6
    probabilities = softmax(logits)
    names = model.classes or [str(i) for i in range(len(logits))]
    best = np.argsort(-logits, kind="stable")[:top]
    classes = [{"class": names[i], "probability": float(probabilities[i])} for i in best]
    return {"image": str(path), "classes": classes, "microseconds": round(microseconds, 1)}


def read_image(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return (1, C, H, W) uint8 pixels: grey for one channel, RGB for three, resized with antialiasing.

    Raises:
        InputError: the file is missing or no image, or the model takes neither 1 nor 3 channels.
    """
    from PIL import Image, UnidentifiedImageError

    channels, height, width = shape
    modes = {1: "L", 3: "RGB"}
    if channels not in modes:
        raise InputError(f"the model takes {channels} channels; required for image files: 1 (grey) or 3 (RGB).")
    try:
        with Image.open(path) as image:
            shown = _eight_bits(image) if image.mode.startswith("I") else image
            pixels = np.asarray(shown.convert(modes[channels]).resize((width, height), Image.Resampling.BILINEAR))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; required: an image that Pillow reads (PNG, JPEG, ...).") from error
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as an image ({error}); required: a whole PNG, JPEG, ... file."
        ) from error
    return np.ascontiguousarray(pixels.reshape(height, width, channels).transpose(2, 0, 1)[None])


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """Return a picture of 16 bits per pixel with its upper 8: Pillow's own conversion cuts off what is above 255."""
    from PIL import Image

    return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return exp(z) / sum exp(z) along the last axis."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
