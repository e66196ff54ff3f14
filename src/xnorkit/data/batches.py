"""Normalised batches of images in memory."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from xnorkit.data.augment import Draws, Mixing, cut_out, flipped, shifted
from xnorkit.data.options import DataOptions
from xnorkit.data.order import Request
from xnorkit.data.randaugment import RandAugment
from xnorkit.data.split import Split
from xnorkit.errors import RecipeError

__all__ = ["Augmentation", "ImageBatches", "normalize"]


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return (x / 255 - mean) / std per channel, in float32 and in this order: (N, C, H, W) uint8 -> float32.

    Float32 images are normalised already and are returned unchanged, as in the deployed runtime.

    The deployed runtime repeats these three float32 operations, so that both see the same bits. A folded form
    (x * scale + shift) would round differently.
    """
    if images.dtype == torch.float32:
        return images
    x = images.to(torch.float32)
    m, s = (torch.tensor(values, dtype=torch.float32, device=x.device).view(-1, 1, 1) for values in (mean, std))
    return x.div_(255).sub_(m).div_(s)  # in place, which saves two arrays


SHIFT_STREAM, FLIP_STREAM, CUTOUT_STREAM = 1, 2, 3


class Augmentation:
    """The changes to a batch of training images between file and network, which depend on (seed, epoch, index) alone.

    The order is flip, shift, RandAugment, cutout, normalisation, mixup or CutMix.

    Args:
        size: the number of training images.
        num_classes: the number of labels.
        options: the augmentations and the seed.
    """

    def __init__(self, size: int, num_classes: int, options: DataOptions) -> None:
        self.options, self.draws = options, Draws(size, options.seed)
        self.mixing = Mixing(self.draws, num_classes, options.mixup, options.cutmix) if options.mixes else None
        self.randaugment = (
            RandAugment(self.draws, options.randaugment, options.randaugment_level) if options.randaugment else None
        )

    def pixels(self, images: Tensor, epoch: int, indices: Tensor) -> Tensor:
        """Return images (N, C, H, W) with the changes before normalisation, of the same dtype and shape."""
        o, rows = self.options, self.draws.rows
        if o.flip:
            images = flipped(images, rows(FLIP_STREAM, epoch, indices, _mirror))
        if o.shift:
            images = shifted(images, rows(SHIFT_STREAM, epoch, indices, self._offsets), o.shift)
        if self.randaugment is not None:
            images = self.randaugment(images, epoch, indices)
        if o.cutout:
            images = cut_out(images, rows(CUTOUT_STREAM, epoch, indices, _centres), o.cutout)
        return images

    def mix(self, images: Tensor, labels: Tensor, epoch: int, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return normalised images and labels, mixed if the options ask for it; see `Mixing`."""
        return (images, labels) if self.mixing is None else self.mixing(images, labels, epoch, indices)

    def _offsets(self, generator: np.random.Generator, size: int) -> NDArray[np.int64]:
        return generator.integers(0, 2 * self.options.shift + 1, (size, 2))


class ImageBatches(Dataset[tuple[Tensor, Tensor]]):
    """Maps (epoch, indices (B,) int64) to (images (B, C, H, W) float32 normalised, labels).

    Labels are (B,) int64, or (B, num_classes) float32 if the augmentation mixes images.

    Args:
        split: the images and labels.
        mean, std: mean and standard deviation per channel, of pixels in [0, 1].
        augmentation: the changes to training images; None changes nothing.

    Raises:
        RecipeError: RandAugment is on, but the images are not pixels.
    """

    def __init__(
        self, split: Split, mean: Sequence[float], std: Sequence[float], augmentation: Augmentation | None = None
    ) -> None:
        self.images, self.labels, self.mean, self.std = split.images, split.labels, mean, std
        self.augmentation = augmentation
        if augmentation is not None and augmentation.randaugment is not None and self.images.dtype != torch.uint8:
            raise RecipeError("data.randaugment changes pixels, but this data set is normalised already. Set it to 0.")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, request: Request) -> tuple[Tensor, Tensor]:
        epoch, indices = request
        # index_select copies whole images; indexing with [indices] takes ten times as long for bytes.
        images, labels = self.images.index_select(0, indices), self.labels.index_select(0, indices)
        if self.augmentation is None:
            return normalize(images, self.mean, self.std), labels
        images = self.augmentation.pixels(images, epoch, indices)
        return self.augmentation.mix(normalize(images, self.mean, self.std), labels, epoch, indices)


def _mirror(generator: np.random.Generator, size: int) -> NDArray[np.bool_]:
    return generator.random(size) < 0.5


def _centres(generator: np.random.Generator, size: int) -> NDArray[np.float32]:
    return generator.random((size, 2), dtype=np.float32)
