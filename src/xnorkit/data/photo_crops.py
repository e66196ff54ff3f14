"""Crop photographs of any size to squares, with today's usual preprocessing or that of XNOR-Net-PyTorch."""

import math
from typing import Protocol

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from xnorkit.data.decode import Photo
from xnorkit.data.options import DataOptions

__all__ = ["Crop", "ModernTest", "ModernTrain", "SquareTest", "SquareTrain", "crops", "resized", "side_of"]

SIDES = {"modern": 224, "seed": 227}
RESIZED = {"modern": 256 / 224, "seed": 256 / 227}  # the side before the centre crop, divided by that of the crop
ASPECTS = (3 / 4, 4 / 3)
TRIES = 10


class Crop(Protocol):
    """Turns a photograph into a square: pixels (3, S, S) uint8, or normalised float32."""

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return the square; `generator` belongs to the image and the epoch."""


def side_of(options: DataOptions) -> int:
    """Return S, the side of the squares."""
    return options.image_size or SIDES[options.preprocessing]


def crops(options: DataOptions) -> tuple[Crop, Crop]:
    """Return the crops of training images and of all others."""
    side = side_of(options)
    if options.preprocessing == "seed":
        return SquareTrain(side), SquareTest(side)
    return ModernTrain(side, options.min_crop), ModernTest(side)


def resized(pixels: Tensor, height: int, width: int) -> Tensor:
    """Return (3, height, width) uint8 from (3, H, W) uint8, bilinear and antialiased.

    On uint8 tensors this is faster than Pillow's own resize, and within one level of it (docs/data.md).
    """
    return F.interpolate(pixels[None], (height, width), mode="bilinear", antialias=True)[0]


class ModernTrain:
    """A random crop of the image, resized to (side, side).

    The fraction of the area that it covers is drawn uniformly from [min_crop, 1], its aspect ratio log-uniformly from
    [3/4, 4/3]. If ten draws do not fit, it is the largest centred crop with an allowed ratio. If the decoder shrinks a
    JPEG, the crop is rounded to whole decoded pixels.

    Source: Szegedy et al., Going Deeper with Convolutions (2015); the rules are those of torchvision's
    RandomResizedCrop.
    """

    def __init__(self, side: int, min_crop: float) -> None:
        self.side, self.min_crop = side, min_crop

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return (3, side, side) uint8."""
        top, left, height, width = self.box(photo.height, photo.width, generator)
        pixels, down, right = photo.pixels(min(height, width) / self.side)
        first, start = round(top * down), round(left * right)
        part = pixels[:, first : first + max(1, round(height * down)), start : start + max(1, round(width * right))]
        return resized(part, self.side, self.side)

    def box(self, height: int, width: int, generator: np.random.Generator) -> tuple[int, int, int, int]:
        """Return (top, left, height, width) of the crop."""
        for _ in range(TRIES):
            area = height * width * generator.uniform(self.min_crop, 1)
            ratio = math.exp(generator.uniform(math.log(ASPECTS[0]), math.log(ASPECTS[1])))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < w <= width and 0 < h <= height:
                return int(generator.integers(height - h + 1)), int(generator.integers(width - w + 1)), h, w
        w, h = min(width, round(height * ASPECTS[1])), min(height, round(width / ASPECTS[0]))
        return (height - h) // 2, (width - w) // 2, h, w


class ModernTest:
    """The central (side, side) crop after resizing the shorter side to side * 256 / 224."""

    def __init__(self, side: int) -> None:
        self.side, self.shorter = side, round(side * RESIZED["modern"])

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return (3, side, side) uint8; nothing is drawn."""
        pixels, _, _ = photo.pixels()
        height, width = pixels.shape[1:]
        shorter = min(height, width)
        # Rounded down as in torchvision, so that figures can be compared.
        pixels = resized(pixels, self.shorter * height // shorter, self.shorter * width // shorter)
        return centre(pixels, self.side)


class SquareTrain:
    """A random (side, side) crop after resizing the whole image to a square of side * 256 / 227.

    Source: XNOR-Net-PyTorch, a seed of this project: Resize((256, 256)), RandomCrop(227).
    """

    def __init__(self, side: int) -> None:
        self.side, self.square = side, round(side * RESIZED["seed"])

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return (3, side, side) uint8."""
        pixels, _, _ = photo.pixels(min(photo.height, photo.width) / self.square)
        pixels = resized(pixels, self.square, self.square)
        top, left = generator.integers(0, self.square - self.side + 1, 2).tolist()
        return pixels[:, top : top + self.side, left : left + self.side]


class SquareTest:
    """The central crop after the resizing of `SquareTrain`."""

    def __init__(self, side: int) -> None:
        self.side, self.square = side, round(side * RESIZED["seed"])

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return (3, side, side) uint8; nothing is drawn."""
        return centre(resized(photo.pixels()[0], self.square, self.square), self.side)


def centre(pixels: Tensor, side: int) -> Tensor:
    """Return the central (C, side, side) of (C, H, W)."""
    top, left = (round((length - side) / 2) for length in pixels.shape[1:])
    return pixels[:, top : top + side, left : left + side]
