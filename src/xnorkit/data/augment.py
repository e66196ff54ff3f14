"""Augmentation of batches: shift, flip, cutout, mixup and CutMix, drawn from (seed, epoch, index)."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Draws", "Mixing", "box_mask", "cut_out", "flipped", "shifted"]

Draw = Callable[[np.random.Generator, int], NDArray]


class Draws:
    """Tables with a row per image, drawn from (seed, epoch, stream): row i belongs to image i in every batch.

    The whole table of an epoch is drawn once and kept until the caller asks for another epoch.

    Args:
        size: the number of images.
        seed: the seed of all draws.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self._tables: dict[int, tuple[int, Tensor]] = {}

    def rows(self, stream: int, epoch: int, indices: Tensor, draw: Draw) -> Tensor:
        """Return the rows `indices` (B,) of the table that `draw` returns for (generator, number of images)."""
        if self._tables.get(stream, (-1,))[0] != epoch:
            generator = np.random.default_rng((self.seed, epoch, stream))
            self._tables[stream] = (epoch, torch.from_numpy(draw(generator, self.size)))
        return self._tables[stream][1].index_select(0, indices)


def shifted(images: Tensor, offsets: Tensor, shift: int) -> Tensor:
    """Return images (N, C, H, W), padded with `shift` zeros on each side and cropped back to (H, W) at `offsets`.

    Args:
        images: images of any dtype.
        offsets: (N, 2) int64 in [0, 2 * shift]: first row and column of the crop; (shift, shift) changes nothing.
        shift: the padding in pixels.
    """
    count, channels, height, width = images.shape
    padded = torch.nn.functional.pad(images, (shift,) * 4)
    tall, wide = padded.shape[2:]
    # A view of the flat memory holds all runs of `width` pixels: row k begins at pixel k. The crop of an image is one
    # run per row. Copying these whole rows is several times faster than picking pixels.
    runs = padded.view(-1).unfold(0, width, 1)
    planes = torch.arange(count * channels).view(count, channels, 1) * (tall * wide)
    firsts = (offsets[:, 0] * wide + offsets[:, 1]).view(count, 1, 1)
    starts = planes + firsts + torch.arange(height) * wide
    return runs.index_select(0, starts.flatten()).view(images.shape)


def flipped(images: Tensor, mirror: Tensor) -> Tensor:
    """Return images (N, C, H, W); those that `mirror` (N,) bool marks are mirrored from right to left."""
    return torch.where(mirror[:, None, None, None], images.flip(3), images)


def cut_out(images: Tensor, centres: Tensor, side: int) -> Tensor:
    """Return images (N, C, H, W) with a square of `side` pixels set to 0, clipped at the borders.

    Args:
        images: images of any dtype.
        centres: (N, 2) in [0, 1): row and column of the square's centre as fractions of H and W.
        side: the side of the square in pixels.

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


MIX_STREAM = 4


class Mixing:
    """Mixes each image of a batch with its neighbour: positions 0 and 1, 2 and 3, ...; an odd last image stays.

    Mixup: x = s x_i + (1 - s) x_j, y = s y_i + (1 - s) y_j, with s drawn from Beta(alpha, alpha) for each image.
    CutMix: a box of x_j that covers a fraction 1 - s of the area, clipped at the borders, replaces that part of x_i;
    s then becomes the fraction of x_i that remains visible.

    Neighbours in the order of the epoch are as random as any two images. They stay together however the batch is
    divided over processes, provided that each process gets an even number of images.

    Args:
        draws: the draws of the data set.
        num_classes: the number of labels.
        mixup, cutmix: alpha, or 0 for none; with both, each image takes one of them with probability 1/2.

    Source: Zhang et al., mixup: Beyond Empirical Risk Minimization (ICLR 2018); Yun et al., CutMix (ICCV 2019). The
    papers draw one s per batch; this class draws one per image.
    """

    def __init__(self, draws: Draws, num_classes: int, mixup: float, cutmix: float) -> None:
        self.draws, self.num_classes, self.mixup, self.cutmix = draws, num_classes, mixup, cutmix

    def __call__(self, images: Tensor, labels: Tensor, epoch: int, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return mixed images (N, C, H, W) float32 and labels (N, num_classes) float32.

        Args:
            images: (N, C, H, W) float32, normalised.
            labels: (N,) int64.
            epoch: the number of the epoch.
            indices: (N,) int64, the positions of the images in the data set.
        """
        other = torch.arange(len(images)) ^ 1
        other[other >= len(images)] = len(images) - 1
        table = self.draws.rows(MIX_STREAM, epoch, indices, self._draw)
        cut, shares, centres = table[:, 0] > 0, table[:, 1].float(), table[:, 2:4].float()
        height, width = images.shape[2:]
        sides = (1 - shares).sqrt()[:, None] * torch.tensor([height, width])
        mask = box_mask(images, centres, sides)
        # The fraction of the image itself at each pixel: s everywhere, or 0 inside the box and 1 outside.
        own = torch.where(cut[:, None, None, None], (~mask).float(), shares[:, None, None, None])
        weights = torch.where(cut, own.mean((1, 2, 3)), shares)[:, None]
        onehot = torch.nn.functional.one_hot(labels, self.num_classes).float()
        return torch.lerp(images[other], images, own), torch.lerp(onehot[other], onehot, weights)

    def _draw(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Return (size, 4): cut (1) or blend (0), the fraction of the image itself, and the centre of the box."""
        cut = generator.random(size) < (0.5 if self.mixup and self.cutmix else float(bool(self.cutmix)))
        blend = generator.beta(self.mixup, self.mixup, size) if self.mixup else np.ones(size)
        kept = generator.beta(self.cutmix, self.cutmix, size) if self.cutmix else np.ones(size)
        return np.column_stack([cut, np.where(cut, kept, blend), generator.random((size, 2))])
