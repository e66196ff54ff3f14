"""Pictures of a trained network: filters, mistakes, sign maps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.report.page.plots.mosaic import grey, mosaic, signs, weights
from xnorkit.report.page.svg import style, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_binary_filters", "draw_first_filters", "draw_mistakes", "draw_sign_maps"]

WIDTH = 4.6
FILTER_COLUMNS, CHANNEL_COLUMNS, FILTER_ROWS = 10, 10, 6
MISTAKE_COLUMNS, MISTAKES = 4, 12
MAP_ROWS = 2
Arrays = Mapping[str, NDArray[Any]]


def draw_first_filters(arrays: Arrays, *, name: str, alt: str) -> str:
    """Return the filters `weight` (O, C, KH, KW) of a float first layer."""
    return _one(mosaic(weights(arrays["weight"]), FILTER_COLUMNS), name, alt)


def draw_binary_filters(arrays: Arrays, *, name: str, alt: str) -> str:
    """Return `sign` (O, C, KH, KW) of some filters (downwards) for some input channels (to the right)."""
    shown = arrays["sign"][:FILTER_ROWS, :CHANNEL_COLUMNS]
    tiles = signs(shown.reshape(-1, *shown.shape[2:]))
    return _one(mosaic(tiles, shown.shape[1]), name, alt)


def draw_mistakes(arrays: Arrays, *, name: str, alt: str) -> str:
    """Return `images` (N, C, H, W) uint8 with what they are and what the network said."""
    from matplotlib.figure import Figure

    images = grey(arrays["images"][:MISTAKES])
    classes, label, said = arrays["classes"], arrays["label"], arrays["predicted"]
    rows = -(-len(images) // MISTAKE_COLUMNS)
    with style():
        figure = Figure(figsize=(WIDTH, 1.55 * rows), layout="constrained")
        boxes = figure.subplots(rows, MISTAKE_COLUMNS, squeeze=False).ravel()
        for axes in boxes:
            axes.set_axis_off()
        for index, (axes, image) in enumerate(zip(boxes, images, strict=False)):
            _show(axes, image)
            axes.set_title(f"{classes[label[index]]}\nas {classes[said[index]]}", fontweight="normal", loc="center")
        return to_svg(figure, name, alt)


def draw_sign_maps(arrays: Arrays, *, name: str, alt: str) -> str:
    """Return `images` (N, C, H, W) uint8 and, right of each, its sign maps `sign` (N, M, OH, OW)."""
    from matplotlib.figure import Figure

    images, maps = grey(arrays["images"]), arrays["sign"]
    blocks = [mosaic(signs(each), -(-len(each) // MAP_ROWS)) for each in maps]
    ratio = blocks[0].shape[1] / blocks[0].shape[0]
    with style():
        figure = Figure(figsize=(WIDTH, WIDTH / (1 + ratio) * len(images)), layout="constrained")
        boxes = figure.subplots(len(images), 2, squeeze=False, width_ratios=(1, ratio))
        for row, image, block in zip(boxes, images, blocks, strict=True):
            for axes, shown in zip(row, (image, block), strict=True):
                axes.set_axis_off()
                _show(axes, shown)
        return to_svg(figure, name, alt)


def _one(image: NDArray[np.uint8], name: str, alt: str) -> str:
    from matplotlib.figure import Figure

    with style():
        height = WIDTH * image.shape[0] / image.shape[1]
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        _show(axes, image)
        return to_svg(figure, name, alt)


def _show(axes: "Axes", image: NDArray[np.uint8]) -> None:
    """Every pixel a square, never smoothed."""
    axes.imshow(image, interpolation="none")
