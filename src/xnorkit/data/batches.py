"""Whole batches from tensors in memory, in an order that depends on (seed, epoch) only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from xnorkit.data.normalize import normalize

__all__ = ["BatchOrder", "ImageBatches", "Split"]

Request = tuple[int, Tensor]  # epoch, indices (B,) int64

ORDER_STREAM, SHIFT_STREAM = 0, 1


@dataclass(frozen=True)
class Split:
    """Images (N, C, H, W) uint8 and their labels (N,) int64."""

    images: Tensor
    labels: Tensor


class BatchOrder(Sampler[Request]):
    """Yields (epoch, indices (B,) int64) for each batch of an epoch.

    The permutation is drawn from (seed, epoch) alone, never from a running generator: an interrupted run that resumes
    at epoch e sees what the uninterrupted one sees. The trainer calls `set_epoch`.

    Args:
        size: number of images.
        batch_size: images per batch; the last batch may be smaller.
        seed: of the order; None keeps the images in file order.
        drop_last: leave out a last batch that is smaller, and noisier under BatchNorm.
    """

    def __init__(self, size: int, batch_size: int, seed: int | None, drop_last: bool = False) -> None:
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.drop_last = drop_last and size >= batch_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size // self.batch_size if self.drop_last else -(-self.size // self.batch_size)

    def __iter__(self) -> Iterator[Request]:
        if self.seed is None:
            order = torch.arange(self.size)
        else:
            order = torch.from_numpy(
                np.random.default_rng((self.seed, self.epoch, ORDER_STREAM)).permutation(self.size)
            )
        for batch in range(len(self)):
            yield self.epoch, order[batch * self.batch_size : (batch + 1) * self.batch_size]


class ImageBatches(Dataset[tuple[Tensor, Tensor]]):
    """Maps (epoch, indices) to (images (B, C, H, W) float32 normalised, labels (B,) int64).

    Args:
        split: images and labels.
        mean, std: per channel, of pixels in [0, 1].
        shift: move each image by up to this many pixels each way, filled with 0; drawn from (seed, epoch, index).
        seed: of the shifts.
    """

    def __init__(
        self, split: Split, mean: Sequence[float], std: Sequence[float], shift: int = 0, seed: int = 0
    ) -> None:
        self.images, self.labels, self.mean, self.std = split.images, split.labels, mean, std
        self.shift, self.seed = shift, seed
        self._shifts: tuple[int, Tensor] = (-1, torch.empty(0))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, request: Request) -> tuple[Tensor, Tensor]:
        epoch, indices = request
        images = self.images[indices]
        if self.shift:
            images = self._moved(images, self._offsets(epoch)[indices])
        return normalize(images, self.mean, self.std), self.labels[indices]

    def _offsets(self, epoch: int) -> Tensor:
        """Return (N, 2) int64 in [0, 2 * shift]: row i belongs to image i, whatever the batch it comes in."""
        if self._shifts[0] != epoch:
            generator = np.random.default_rng((self.seed, epoch, SHIFT_STREAM))
            self._shifts = (epoch, torch.from_numpy(generator.integers(0, 2 * self.shift + 1, (len(self), 2))))
        return self._shifts[1]

    def _moved(self, images: Tensor, offsets: Tensor) -> Tensor:
        height, width = images.shape[2:]
        padded = torch.nn.functional.pad(images, (self.shift,) * 4).permute(0, 2, 3, 1)
        rows = offsets[:, 0, None] + torch.arange(height)
        columns = offsets[:, 1, None] + torch.arange(width)
        batch = torch.arange(len(images))[:, None, None]
        return padded[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
