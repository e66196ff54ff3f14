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
    count, channels, height, width = images.shape
    padded = torch.nn.functional.pad(images, (shift,) * 4)
    tall, wide = padded.shape[2:]
    # All runs of `width` pixels, as a view of the flat memory: row k begins at pixel k. The cut of an image is one of
    # them for each of its rows, so whole rows are copied, which is several times faster than picking pixels.
    runs = padded.view(-1).unfold(0, width, 1)
    planes = torch.arange(count * channels).view(count, channels, 1) * (tall * wide)
    firsts = (offsets[:, 0] * wide + offsets[:, 1]).view(count, 1, 1)
    starts = planes + firsts + torch.arange(height) * wide
    return runs.index_select(0, starts.flatten()).view(images.shape)


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
