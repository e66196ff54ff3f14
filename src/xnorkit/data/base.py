"""What every image data set offers."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from xnorkit.data.batches import BatchOrder, ImageBatches, Split
from xnorkit.errors import RecipeError

__all__ = ["ImageData", "split_of"]

EVALUATION_BATCH = 1000


class ImageData:
    """A data set in memory: the attributes that models and exporters need, and loaders of whole batches.

    Attributes:
        name, classes, num_classes: names of the data set and of its labels, in order.
        input_shape: (C, H, W) of one image.
        mean, std: per channel, of pixels in [0, 1]; see `normalize`.
        split_name: what the evaluation split is, to be printed beside every figure.
        train, test: the two splits. Nothing is ever selected on `test`.

    Args:
        batch_size: images per training step.
        seed: of batch order and shifts.
        shift: random shift of training images in pixels.
    """

    def __init__(
        self,
        *,
        name: str,
        classes: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        split_name: str,
        train: Split,
        test: Split,
        batch_size: int = 128,
        seed: int = 0,
        shift: int = 0,
    ) -> None:
        for field, value, least in (("batch_size", batch_size, 1), ("data.shift", shift, 0), ("seed", seed, 0)):
            if value < least:
                raise RecipeError(f"{field}={value}; required: at least {least}.")
        self.name, self.classes, self.split_name = name, list(classes), split_name
        self.mean, self.std = tuple(mean), tuple(std)
        self.train, self.test = train, test
        self.batch_size, self.seed, self.shift = batch_size, seed, shift

    @property
    def num_classes(self) -> int:
        """Number of labels."""
        return len(self.classes)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.test.images.shape[1:]
        return channels, height, width

    def train_dataloader(self) -> DataLoader:
        """Return shuffled, shifted, normalised training batches; its sampler has `set_epoch`."""
        batches = ImageBatches(self.train, self.mean, self.std, self.shift, self.seed)
        return _loader(batches, BatchOrder(len(batches), self.batch_size, self.seed, drop_last=True))

    def test_dataloader(self) -> DataLoader:
        """Return the evaluation split in file order, normalised."""
        batches = ImageBatches(self.test, self.mean, self.std)
        return _loader(batches, BatchOrder(len(batches), EVALUATION_BATCH, seed=None))

    def test_arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the evaluation split as NumPy arrays: images (N, C, H, W) uint8, labels (N,) int64."""
        return self.test.images.numpy(), self.test.labels.numpy()


def _loader(batches: ImageBatches, order: BatchOrder) -> DataLoader:
    # batch_size=None: the sampler already names whole batches, so nothing is collated image by image.
    return DataLoader(batches, batch_size=None, sampler=order)


def split_of(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Split:
    """Return a Split of (N, H, W) uint8 grey images and their labels, copied into tensors."""
    return Split(torch.tensor(images)[:, None], torch.tensor(labels, dtype=torch.int64))
