"""Turns the images of a caller into an array that the engine takes, or raises a clear error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError
from xnorkit.format import InputSpec, arranged, in_words

__all__ = ["as_images"]


def as_images(images: Any, spec: InputSpec) -> NDArray[Any]:
    """Return images as a contiguous (N, C, H, W) array of float32 or uint8, without a copy if possible.

    Pixels (uint8, channels red, green, blue) are brought into the network's layout and order of channels, and its mean
    image is subtracted; the engine normalises them. A tensor is detached from its gradient first; this module never
    imports torch.

    Raises:
        InputError: neither array nor CPU tensor, another dtype or shape, no image, or pixels for a model that does not
            take them.
    """
    array = images if isinstance(images, np.ndarray) else _array(images)
    if array.dtype == np.uint8:
        if not spec.takes_pixels:
            raise InputError(f"images are uint8, but they must be {_no_pixels(spec)}")
    elif not spec.takes_floats:
        raise InputError(
            f"images have dtype {array.dtype}, but they must be uint8, because this model reads pixels and was "
            "exported without a normalisation."
        )
    elif array.dtype != np.float32:
        pixels = " or uint8 (pixels)" if spec.takes_pixels else ""
        raise InputError(
            f"images have dtype {array.dtype}, but they must be float32 (normalised){pixels}. Nothing is cast "
            "silently: write images.astype(numpy.float32)."
        )
    fixed = 1 if spec.dynamic else 3
    if array.ndim != 4 or array.shape[1 : 1 + fixed] != spec.shape[:fixed] or 0 in array.shape:
        size = "H, W" if spec.dynamic else f"{spec.shape[1]}, {spec.shape[2]}"
        raise InputError(
            f"images have shape {array.shape}, but they must be (N, {spec.shape[0]}, {size}) with N of at least 1. "
            "A single image needs a first axis: images[None]."
        )
    return np.ascontiguousarray(arranged(array, spec.preparation) if array.dtype == np.uint8 else array)


def _no_pixels(spec: InputSpec) -> str:
    if spec.preparation.prepared is not None:
        return (
            f"float32, prepared like those of its training: this model takes {in_words(spec)}. Plain pixels would give "
            "wrong answers."
        )
    return (
        "float32, normalised as in training: this model was exported without a normalisation. Normalise them, or pack "
        "the model with pack(..., normalization=Normalization(mean, std))."
    )


def _array(images: Any) -> NDArray[Any]:
    if hasattr(images, "detach"):
        images = images.detach()
    if not hasattr(images, "__array__"):
        raise InputError(f"images are a {type(images).__name__}, but they must be a NumPy array or a torch tensor.")
    try:
        return np.asarray(images)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"images cannot be read as an array ({error}), but they must be a tensor in CPU memory of dtype float32 "
            "or uint8. Use images.float().cpu()."
        ) from error
