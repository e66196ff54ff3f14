"""Data sets that fit in memory."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from xnorkit.data.base import EVALUATION_BATCH, ImageData, Pixels, selection_split
from xnorkit.data.batches import Augmentation, ImageBatches, Split
from xnorkit.data.options import DataOptions
from xnorkit.format import Preparation

__all__ = ["MemoryData", "split_of"]


class MemoryData(ImageData):
    """A data set whose images are tensors in memory.

    Attributes:
        train, test: the two splits; `train` includes the selection split.
    """

    def __init__(
        self,
        *,
        name: str,
        classes: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        split_name: str,
        options: DataOptions,
        train: Split,
        test: Split,
        preparation: Preparation | None = None,
    ) -> None:
        super().__init__(
            name=name,
            classes=classes,
            mean=mean,
            std=std,
            split_name=split_name,
            options=options,
            preparation=preparation,
        )
        self.train, self.test = train, test

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of one image."""
        channels, height, width = self.test.images.shape[1:]
        return channels, height, width

    def train_dataloader(self) -> DataLoader:
        """Return shuffled, augmented, normalised training batches; see `ImageData`."""
        train, _ = self._parts()
        augmentation = Augmentation(len(train.images), self.num_classes, self.options)
        batches = ImageBatches(train, self.mean, self.std, augmentation)
        return self._train_loader(batches, len(batches))

    def selection_dataloader(self) -> DataLoader | None:
        """Return the held-out training images, normalised, or None if none are held out."""
        _, held_out = self._parts()
        if not len(held_out.images):
            return None
        batches = ImageBatches(held_out, self.mean, self.std)
        return self._test_loader(batches, len(batches))

    def test_dataloader(self) -> DataLoader:
        """Return the evaluation split in file order, normalised."""
        batches = ImageBatches(self.test, self.mean, self.std)
        return self._test_loader(batches, len(batches))

    def test_batches(self, batch_size: int = EVALUATION_BATCH) -> Iterator[tuple[Pixels, NDArray[np.int64]]]:
        """Yield the evaluation split as NumPy arrays; see `ImageData`."""
        images, labels = self.test.images.numpy(), self.test.labels.numpy()
        for start in range(0, len(images), batch_size):
            yield images[start : start + batch_size], labels[start : start + batch_size]

    def _parts(self) -> tuple[Split, Split]:
        """Return the images to train on and the held-out ones."""
        if not self.options.selection:
            return self.train, Split(self.train.images[:0], self.train.labels[:0])
        kept, held_out = map(torch.from_numpy, selection_split(len(self.train.images), self.options.selection))
        return (
            Split(self.train.images[kept], self.train.labels[kept]),
            Split(self.train.images[held_out], self.train.labels[held_out]),
        )


def split_of(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Split:
    """Return a Split of (N, H, W) grey or (N, C, H, W) uint8 images and their labels, copied into tensors."""
    pixels = torch.tensor(images)
    return Split(pixels[:, None] if pixels.ndim == 3 else pixels, torch.tensor(labels, dtype=torch.int64))
