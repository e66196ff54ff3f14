"""Data sets that fit in memory."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xnorkit.data.base import EVALUATION_BATCH, ImageData, Pixels, selection_split
from xnorkit.data.options import DataOptions
from xnorkit.data.split import Split
from xnorkit.format import Preparation

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

__all__ = ["MemoryData", "split_of"]


class MemoryData(ImageData):
    """A data set whose images are in memory.

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
        """(C, H, W) of one image."""
        channels, height, width = self.test.arrays[0].shape[1:]
        return channels, height, width

    def train_dataloader(self) -> "DataLoader":
        """Return shuffled, augmented, normalised training batches: see `ImageData`."""
        from xnorkit.data.batches import Augmentation, ImageBatches

        train, _ = self._parts()
        augmentation = Augmentation(len(train.images), self.num_classes, self.options)
        batches = ImageBatches(train, self.mean, self.std, augmentation)
        return self._train_loader(batches, len(batches))

    def selection_dataloader(self) -> "DataLoader | None":
        """Return the held-out share of the training images, normalised, or None without one."""
        from xnorkit.data.batches import ImageBatches

        _, held_out = self._parts()
        if not len(held_out.images):
            return None
        batches = ImageBatches(held_out, self.mean, self.std)
        return self._test_loader(batches, len(batches))

    def test_dataloader(self) -> "DataLoader":
        """Return the evaluation split in file order, normalised."""
        from xnorkit.data.batches import ImageBatches

        batches = ImageBatches(self.test, self.mean, self.std)
        return self._test_loader(batches, len(batches))

    def test_batches(self, batch_size: int = EVALUATION_BATCH) -> Iterator[tuple[Pixels, NDArray[np.int64]]]:
        """Yield the evaluation split as NumPy arrays: see `ImageData`."""
        images, labels = self.test.arrays
        for start in range(0, len(images), batch_size):
            yield images[start : start + batch_size], labels[start : start + batch_size]

    def _parts(self) -> tuple[Split, Split]:
        """Return what is trained on, and what is held out of it."""
        images, labels = self.train.arrays
        if not self.options.selection:
            return self.train, Split(images[:0], labels[:0])
        kept, held_out = selection_split(len(images), self.options.selection)
        return Split(images[kept], labels[kept]), Split(images[held_out], labels[held_out])


def split_of(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Split:
    """Return a Split of (N, H, W) grey or (N, C, H, W) uint8 images and their labels, copied."""
    pixels = np.array(images)
    return Split(pixels[:, None] if pixels.ndim == 3 else pixels, np.array(labels, np.int64))
