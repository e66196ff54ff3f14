"""How an image enters the block of a C program, as floats or as pixels, and the header's comment on it."""

import numpy as np

from xnorkit.format import InputSpec, in_words
from xnorkit.targets.c.arrays import Constants

__all__ = ["comments", "input_call"]


def input_call(spec: InputSpec, constants: Constants, value: str, *, pixels: bool) -> str:
    """Return the call that puts an image, float32 or pixels, into `value`; empty if that form is not accepted."""
    channels, height, width = spec.shape
    shape = f"(xk_shape){{{height}, {width}, {channels}}}"
    by, preparation = spec.normalization, spec.preparation
    if not pixels:
        if spec.kind == "f32":
            return f"xk_input_f32(image, {shape}, {value});"
        return f"xk_input_u8_from_f32(image, {shape}, {_numbers(spec, constants)}, {value});" if by else ""
    if not spec.takes_pixels:
        return ""
    order = _order(spec)
    if preparation.mean_image is not None:
        # For pixels that become floats and then pixels again, for an 8-bit first layer, C has no function.
        mean = constants.add(np.moveaxis(preparation.mean_image, 0, 2)) if spec.kind == "f32" else ""
        return f"xk_input_f32_less_mean(image, {shape}, {order}, {mean}, {value});" if mean else ""
    if spec.kind == "u8":
        return f"xk_input_u8(image, {shape}, {order}, {value});"
    return f"xk_input_f32_from_u8(image, {shape}, {order}, {_numbers(spec, constants)}, {value});"


def comments(spec: InputSpec, *, pixels: bool) -> list[str]:
    """Return the header's comment on the inputs of the functions."""
    colours = "red, green, blue, " if spec.shape[0] == 3 else ""
    taken = f"model_run_u8 takes pixels 0 to 255, {colours}rows from top to bottom"
    return [
        "/* One image (channels, height, width), its floats prepared as in training, from",
        f" * {_in_comment(in_words(spec))}.",
        f" * {taken if pixels else 'There is no model_run_u8: pixels have to be prepared first'}.",
        " * Not re-entrant: there is one block. */",
    ]


def _in_comment(words: str) -> str:
    """Return words of a file so that they neither end nor begin a C comment."""
    return words.replace("*/", "* /").replace("/*", "/ *")


def _order(spec: InputSpec) -> str:
    _, height, width = spec.shape
    plane, preparation = height * width, spec.preparation
    first, channel = (2 * plane, -plane) if preparation.order == "bgr" else (0, plane)
    row, column = (1, width) if preparation.transposed else (width, 1)
    return f"(xk_pixels){{{first}, {channel}, {row}, {column}}}"


def _numbers(spec: InputSpec, constants: Constants) -> str:
    assert spec.normalization is not None
    return ", ".join(constants.add(np.array(v, np.float32)) for v in (spec.normalization.mean, spec.normalization.std))
