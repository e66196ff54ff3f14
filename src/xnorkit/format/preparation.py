"""How pictures become the images that a network was trained on: the rules, JSON, arithmetic and description."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import FormatError
from xnorkit.format.graph import InputSpec, Preparation
from xnorkit.format.rules import boolean, check_keys, is_printable, one_of, shown

__all__ = ["MEAN_IMAGE", "arranged", "as_floats", "check_preparation", "decoded", "encoded", "in_words"]

MEAN_IMAGE = "input.mean_image"
"""Name of the mean image among a file's tensors; no node can be called `input`."""
_KEYS = ("order", "transposed", "mean_image", "prepared")


def encoded(preparation: Preparation) -> dict[str, Any]:
    """Return the JSON object of a preparation."""
    return {
        "order": preparation.order,
        "transposed": preparation.transposed,
        "mean_image": preparation.mean_image is not None,
        "prepared": preparation.prepared,
    }


def decoded(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Preparation:
    """Return the preparation in a JSON object and the file's tensors; FormatError for a wrong key, type or tensor."""
    if not isinstance(value, dict):
        raise FormatError(f"input 'preparation' is {shown(value)}, but it must be an object.")
    check_keys("input 'preparation'", value, _KEYS)
    for key, rule in (("order", one_of("rgb", "bgr")), ("transposed", boolean), ("mean_image", boolean)):
        expected = rule(value[key])
        if expected is not None:
            raise FormatError(f"input preparation '{key}' is {shown(value[key])}, but it must be {expected}.")
    if value["mean_image"] and MEAN_IMAGE not in arrays:
        raise FormatError(
            f"input preparation: tensor '{MEAN_IMAGE}' is not in the file, but it must hold the mean image."
        )
    mean = arrays[MEAN_IMAGE] if value["mean_image"] else None
    return Preparation(value["order"], value["transposed"], mean, value["prepared"])


def check_preparation(spec: InputSpec) -> None:
    """Check that an input's preparation, normalisation, kind and shape fit together; FormatError if they do not."""
    preparation, shape = spec.preparation, tuple(spec.shape)
    for rule, wrong in (
        (
            preparation.order in ("rgb", "bgr"),
            f'the order is {shown(preparation.order)}, but it must be "rgb" or "bgr"',
        ),
        (
            preparation.order != "bgr" or shape[0] == 3,
            f"the order is 'bgr' for {shape[0]} channels, but the channels must be 3",
        ),
        (
            not preparation.transposed or (shape[1] == shape[2] and not spec.dynamic),
            f"the transposed images are {shape[1]} x {shape[2]}{', dynamic' if spec.dynamic else ''}, but their "
            "height and width must be equal and fixed",
        ),
    ):
        if not rule:
            raise FormatError(f"input preparation: {wrong}.")
    if preparation.mean_image is not None:
        _check_mean_image(preparation.mean_image, spec)
    if preparation.prepared is not None:
        if not is_printable(preparation.prepared):
            raise FormatError(
                f"input preparation 'prepared' is {shown(preparation.prepared)}, but it must be null or a non-empty "
                "printable string."
            )
        if preparation != Preparation(prepared=preparation.prepared):
            raise FormatError(
                "input preparation: prepared floats have an order, a transposition or a mean image of pixels, but "
                'these must be "rgb", false and false.'
            )
    own = "a mean image" if preparation.mean_image is not None else "prepared floats"
    if (preparation.mean_image is not None or preparation.prepared is not None) and (
        (spec.normalization is None) != (spec.kind == "f32")
    ):
        given, need = ("no", "have one") if spec.normalization is None else ("a", "have none")
        raise FormatError(
            f"input preparation: kind '{spec.kind}' with {own} has {given} normalization, but it must {need}."
        )


def arranged(images: NDArray[np.uint8], preparation: Preparation) -> NDArray[Any]:
    """Return pixels as the network expects them: transposed, in its order of channels, minus its mean image.

    Args:
        images: (N, C, H, W) uint8, rows from top to bottom, channels red, green, blue.
        preparation: of the network; its `prepared` is ignored.

    Returns:
        (N, C, H, W) uint8, a view if possible; with a mean image float32, float32(p) - mean_image.
    """
    x: NDArray[Any] = images.swapaxes(2, 3) if preparation.transposed else images
    x = x[:, ::-1] if preparation.order == "bgr" else x
    return x if preparation.mean_image is None else x.astype(np.float32) - preparation.mean_image


def as_floats(images: NDArray[Any], spec: InputSpec) -> NDArray[np.float32]:
    """Return the float32 images of training: (N, C, H, W) uint8 -> float32; float32 images are returned unchanged.

    `spec` must say how pixels become floats: with its normalisation or its mean image.
    """
    if images.dtype != np.uint8:
        return images
    x = arranged(images, spec.preparation)
    if x.dtype == np.uint8:
        assert spec.normalization is not None, "spec.takes_floats"
        mean, std = (np.array(v, np.float32)[:, None, None] for v in (spec.normalization.mean, spec.normalization.std))
        x = (x.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(x)


def in_words(spec: InputSpec) -> str:
    """Return a description of a network's input, for people: commands, headers, metadata of other formats."""
    preparation, by = spec.preparation, spec.normalization
    if preparation.prepared is not None:
        return f"prepared floats ({preparation.prepared}), no pixels"
    order = "grey" if spec.shape[0] == 1 else f"{spec.shape[0]} channels" if spec.shape[0] != 3 else "red, green, blue"
    if preparation.order == "bgr":
        order = "blue, green, red"
    steps = [order, *(["height and width swapped"] if preparation.transposed else [])]
    if preparation.mean_image is not None:
        steps.append("0 to 255, minus a mean image")
    elif by is not None:
        mean, std = (", ".join(f"{number:.4g}" for number in numbers) for numbers in (by.mean, by.std))
        steps.append(f"(pixel / 255 - mean) / std with mean {mean} and std {std}")
    elif spec.kind == "f32":
        return f"floats ({'; '.join(steps)}) as in training; the file has no normalisation for pixels"
    return f"pixels ({'; '.join(steps)})"


def _check_mean_image(mean: NDArray[Any], spec: InputSpec) -> None:
    if mean.dtype != np.float32 or mean.shape != tuple(spec.shape) or spec.dynamic:
        size = ", dynamic" if spec.dynamic else ""
        raise FormatError(
            f"input preparation: the mean image is {mean.dtype} {mean.shape} for images {tuple(spec.shape)}{size}, "
            "but it must be float32 of the input's shape, which must be fixed."
        )
    if not np.isfinite(mean).all():
        raise FormatError("input preparation: the mean image holds NaN or infinity, but its numbers must be finite.")
