"""Paint pictures of a trained network: filters, mistakes, sign maps."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.report.page.charts import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PICTURES"]

PLUS, MINUS = (66, 142, 219, 255), (238, 150, 66, 255)
COLUMNS, FILTER_ROWS = 10, 6
MISTAKES, MISTAKE_COLUMNS = 12, 4
MAP_ROWS = 2
Arrays = Mapping[str, NDArray[Any]]


def _paint_first_filters(figure: "Figure", arrays: Arrays) -> None:
    """Paint filters `weight` (O, C, KH, KW), each scaled to its own extremes, with 0 as the middle grey."""
    weight = arrays["weight"]
    largest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
    scaled = weight / np.where(largest > 0, largest, 1) * 127.5 + 127.5
    _show(figure, [[_mosaic(_colours(scaled.round().astype(np.uint8)), COLUMNS)]])


def _paint_binary_filters(figure: "Figure", arrays: Arrays) -> None:
    """Paint `sign` (O, C, KH, KW) of some filters (downwards) for some input channels (to the right)."""
    shown = arrays["sign"][:FILTER_ROWS, :COLUMNS]
    _show(figure, [[_mosaic(_signs(shown.reshape(-1, *shown.shape[2:])), shown.shape[1])]])


def _paint_mistakes(figure: "Figure", arrays: Arrays) -> None:
    """Paint `images` (N, C, H, W) uint8 with their classes and the network's predictions."""
    classes, images = arrays["classes"], list(_colours(arrays["images"][:MISTAKES]))
    titles = [f"{classes[i]}\nas {classes[j]}" for i, j in zip(arrays["label"], arrays["predicted"], strict=True)]
    rows = [images[start : start + MISTAKE_COLUMNS] for start in range(0, len(images), MISTAKE_COLUMNS)]
    _show(figure, rows, titles, height=1.55 * len(rows))


def _paint_sign_maps(figure: "Figure", arrays: Arrays) -> None:
    """Paint `images` (N, C, H, W) uint8 and, right of each, its sign maps `sign` (N, M, OH, OW)."""
    maps = [_mosaic(_signs(each), -(-len(each) // MAP_ROWS)) for each in arrays["sign"]]
    _show(figure, [list(row) for row in zip(_colours(arrays["images"]), maps, strict=True)])


PICTURES: dict[str, Callable[["Figure", Arrays], None]] = {
    "first-layer-filters": _paint_first_filters,
    "binary-filters": _paint_binary_filters,
    "misclassified": _paint_mistakes,
    "sign-maps": _paint_sign_maps,
}


def _show(
    figure: "Figure", rows: Sequence[Sequence[NDArray[np.uint8]]], titles: Sequence[str] = (), height: float = 0.0
) -> None:
    """Show rows of images without smoothing, so that every pixel is a square."""
    if not rows:
        return
    shares = [image.shape[1] / image.shape[0] for image in rows[0]]
    figure.set_size_inches(WIDTH, height or len(rows) * WIDTH / sum(shares))
    boxes = figure.subplots(len(rows), len(shares), squeeze=False, width_ratios=shares)
    for axes in boxes.ravel():
        axes.set_axis_off()
    shown = [
        (axes, image) for line, row in zip(boxes, rows, strict=True) for axes, image in zip(line, row, strict=False)
    ]
    for index, (axes, image) in enumerate(shown):
        axes.imshow(image, interpolation="none")
        if titles:
            axes.set_title(titles[index], fontweight="normal", loc="center")


def _signs(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (..., H, W, 4): blue where +1, orange where -1."""
    return np.array([MINUS, PLUS], dtype=np.uint8)[(values > 0).astype(np.intp)]


def _colours(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images (N, C, H, W) uint8 as (N, H, W, 4): three channels as colours, otherwise the first as grey."""
    channels = images[:, :3] if images.shape[1] == 3 else images[:, :1]
    colours = np.broadcast_to(np.moveaxis(channels, 1, -1), (len(images), *images.shape[2:], 3))
    return np.concatenate([colours, np.full((*colours.shape[:-1], 1), 255, dtype=np.uint8)], axis=-1)


def _mosaic(tiles: NDArray[np.uint8], columns: int, gap: int = 1) -> NDArray[np.uint8]:
    """Return tiles (N, H, W, 4) in rows of `columns`, with transparent gaps that suit any background."""
    count, height, width, _ = tiles.shape
    rows = -(-count // columns)
    whole = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 4), dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        whole[top : top + height, left : left + width] = tile
    return whole
