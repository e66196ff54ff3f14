"""Augmentation of whole batches in memory: shift, flip, cutout."""

import torch
from torch import Tensor

__all__ = ["box_mask", "cut_out", "flipped", "shifted"]


def shifted(images: Tensor, offsets: Tensor, shift: int) -> Tensor:
    """Return images (N, C, H, W) padded with `shift` zeros each way and cut to (H, W) again at `offsets`.

    Args:
        images: any dtype.
        offsets: (N, 2) int64 in [0, 2 * shift]: first row and column of the cut; (shift, shift) changes nothing.
        shift: pixels.
    """
    height, width = images.shape[2:]
    padded = torch.nn.functional.pad(images, (shift,) * 4)
    # A view (N, C, 2 shift + 1, 2 shift + 1, H, W) of all cuts: picking one per image copies whole rows of pixels.
    cuts = padded.unfold(2, height, 1).unfold(3, width, 1)
    return cuts[torch.arange(len(images)), :, offsets[:, 0], offsets[:, 1]]


def flipped(images: Tensor, mirror: Tensor) -> Tensor:
    """Return images (N, C, H, W), those with `mirror` (N,) bool from right to left."""
    return torch.where(mirror[:, None, None, None], images.flip(3), images)


def cut_out(images: Tensor, centres: Tensor, side: int) -> Tensor:
    """Return images (N, C, H, W) with a square of `side` pixels set to 0, cut off at the borders.

    Args:
        images: any dtype.
        centres: (N, 2) in [0, 1): row and column of the square's centre as shares of H and W.
        side: pixels.

    Source: DeVries and Taylor, Improved Regularization of Convolutional Neural Networks with Cutout (2017).
    """
    return images.masked_fill(box_mask(images, centres, torch.full((len(images), 2), float(side))), 0)


def box_mask(images: Tensor, centres: Tensor, sides: Tensor) -> Tensor:
    """Return (N, 1, H, W) bool: whether a pixel is in the box of `sides` (N, 2) pixels around `centres` (N, 2)."""
    inside = []
    for axis, length in enumerate(images.shape[2:]):
        first = (centres[:, axis] * length - sides[:, axis] / 2).round()
        pixels = torch.arange(length)
        inside.append((pixels >= first[:, None]) & (pixels < (first + sides[:, axis].round())[:, None]))
    return (inside[0][:, :, None] & inside[1][:, None, :])[:, None]
