"""Small images side by side in one array, with transparent gaps, so that they stand on any background."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MINUS", "PLUS", "grey", "mosaic", "signs", "weights"]

PLUS, MINUS = (66, 142, 219), (238, 150, 66)
Tiles = NDArray[np.uint8]


def signs(values: NDArray[Any]) -> Tiles:
    """Return (..., H, W, 4): blue where +1, orange where -1."""
    colours = np.array([(*MINUS, 255), (*PLUS, 255)], dtype=np.uint8)
    return colours[(values > 0).astype(np.intp)]


def weights(values: NDArray[Any]) -> Tiles:
    """Return filters (O, C, KH, KW) as (O, KH, KW, 4), each stretched to its own extremes; three channels as colours.

    With one channel, or any other number (of which the first is taken), a weight of 0 is middle grey.
    """
    shown = values if values.shape[1] == 3 else values[:, :1]
    largest = np.abs(shown).max(axis=(1, 2, 3), keepdims=True)
    scaled = shown / np.where(largest > 0, largest, 1) * 127.5 + 127.5
    return grey(scaled.round().astype(np.uint8))


def grey(images: NDArray[Any]) -> Tiles:
    """Return images (N, C, H, W) uint8, of one channel or three, as (N, H, W, 4)."""
    colours = np.moveaxis(images[:, :3] if images.shape[1] >= 3 else images[:, :1], 1, -1)
    opaque = np.full((*colours.shape[:-1], 1), 255, dtype=np.uint8)
    return np.concatenate([np.broadcast_to(colours, (*colours.shape[:-1], 3)), opaque], axis=-1).astype(np.uint8)


def mosaic(tiles: Tiles, columns: int, gap: int = 1) -> Tiles:
    """Return tiles (N, H, W, 4) in rows of `columns`, `gap` transparent pixels between them."""
    count, height, width, _ = tiles.shape
    rows = -(-count // columns)
    whole = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 4), dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        whole[top : top + height, left : left + width] = tile
    return whole
