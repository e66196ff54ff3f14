"""What a caller passes as images -> an array that the engine takes, or a clear error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError
from xnorkit.format import InputSpec

__all__ = ["as_images"]


def as_images(images: Any, spec: InputSpec) -> NDArray[Any]:
    """Return images as a contiguous (N, C, H, W) array of float32 or uint8, without a copy where they are one.

    A tensor is detached from its gradient first; this module never imports torch.

    Raises:
        InputError: neither array nor CPU tensor, another dtype or shape, no image, or uint8 without a normalisation.
    """
    array = images if isinstance(images, np.ndarray) else _array(images)
    if array.dtype == np.uint8:
        if spec.normalization is None and spec.kind == "f32":
            raise InputError(
                "images are uint8, but this model was exported without a normalisation; "
                "required: float32 images, normalised as in training, or a model packed with "
                "pack(..., normalization=Normalization(mean, std))."
            )
    elif spec.kind == "u8" and spec.normalization is None:
        raise InputError(
            f"images have dtype {array.dtype}, but this model reads pixels and was exported without a normalisation; "
            "required: uint8 images."
        )
    elif array.dtype != np.float32:
        raise InputError(
            f"images have dtype {array.dtype}; required: float32 (normalised) or uint8 (pixels); nothing is cast "
            "silently, write images.astype(numpy.float32)."
        )
    fixed = 1 if spec.dynamic else 3
    if array.ndim != 4 or array.shape[1 : 1 + fixed] != spec.shape[:fixed] or 0 in array.shape:
        size = "H, W" if spec.dynamic else f"{spec.shape[1]}, {spec.shape[2]}"
        raise InputError(
            f"images have shape {array.shape}; required: (N, {spec.shape[0]}, {size}) with N of at least 1; "
            "a single image needs a first axis: images[None]."
        )
    return np.ascontiguousarray(array)


def _array(images: Any) -> NDArray[Any]:
    if hasattr(images, "detach"):
        images = images.detach()
    if not hasattr(images, "__array__"):
        raise InputError(f"images are a {type(images).__name__}; required: a NumPy array or a torch tensor.")
    try:
        return np.asarray(images)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"images cannot be read as an array ({error}); required: a tensor in CPU memory of dtype float32 or uint8, "
            "as images.float().cpu() gives."
        ) from error
