"""The interface of every image data set."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.data.options import DataOptions
from xnorkit.format import Preparation

if TYPE_CHECKING:
    from torch.utils.data import DataLoader, Dataset

    from xnorkit.data.order import BatchOrder, Permute

__all__ = ["EVALUATION_BATCH", "ImageData", "selection_split"]

EVALUATION_BATCH = 1000
SELECTION_SEED = 0x5E1EC7  # fixed: no seed may train on the images that another held out for a choice

Pixels = NDArray[Any]  # uint8 pixels, or float32 where there are only prepared floats


class ImageData(ABC):
    """A data set of labelled images: the attributes that models and exporters need, and loaders of whole batches.

    Attributes:
        name, classes, num_classes: the name of the data set, and the names and number of its labels, in order.
        mean, std: mean and standard deviation per channel, of pixels in [0, 1]; see `normalize`.
        preparation: what the loaders do to images besides normalising them, or that the images are prepared floats.
        split_name: the evaluation split, printed beside every figure. Nothing is ever selected on it.
        selection_name: the images held out for choices, or None.
        options: how the data set is read and augmented.
    """

    _loader_class: "type[DataLoader] | None" = None

    def __init__(
        self,
        *,
        name: str,
        classes: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        split_name: str,
        options: DataOptions,
        preparation: Preparation | None = None,
    ) -> None:
        self.preparation = preparation or Preparation()
        self.name, self.classes, self.split_name = name, list(classes), split_name
        self.mean, self.std = tuple(mean), tuple(std)
        self.options = options
        share = f"{100 * options.selection:g} %"
        self.selection_name = f"selection ({share} of the training images)" if options.selection else None

    @property
    def num_classes(self) -> int:
        """The number of labels."""
        return len(self.classes)

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of one image."""

    @abstractmethod
    def train_dataloader(self) -> "DataLoader":
        """Return shuffled, augmented, normalised training batches; its sampler has `set_epoch`.

        A batch is (images (B, C, H, W) float32, labels (B,) int64). With mixup or CutMix, labels are (B, num_classes)
        float32.
        """

    @abstractmethod
    def selection_dataloader(self) -> "DataLoader | None":
        """Return the held-out share of the training images, normalised, or None without one."""

    @abstractmethod
    def test_dataloader(self) -> "DataLoader":
        """Return the evaluation split in file order, normalised, labels (B,) int64."""

    @abstractmethod
    def test_batches(self, batch_size: int = EVALUATION_BATCH) -> Iterator[tuple[Pixels, NDArray[np.int64]]]:
        """Yield the evaluation split as NumPy arrays of at most `batch_size` images, with labels (B,) int64.

        Images are (B, C, H, W): upright RGB pixels in uint8, whatever preparation the loaders apply, so that any
        network can prepare them as in its own training; or float32 if the data set holds prepared floats.
        """

    def test_arrays(self, limit: int | None = None) -> tuple[Pixels, NDArray[np.int64]]:
        """Return the evaluation split of `test_batches`, or its first `limit` images, in two arrays.

        All of ImageNet takes 7.5 GB; use `test_batches` if that is too much.
        """
        images, labels, count = [], [], 0
        for batch, numbers in self.test_batches(EVALUATION_BATCH if limit is None else min(limit, EVALUATION_BATCH)):
            images.append(batch)
            labels.append(numbers)
            count += len(numbers)
            if limit is not None and count >= limit:
                break
        return np.concatenate(images)[:limit], np.concatenate(labels)[:limit]

    def _train_loader(self, batches: "Dataset", size: int, permute: "Permute | None" = None) -> "DataLoader":
        from xnorkit.data.order import BatchOrder

        o = self.options
        order = BatchOrder(
            size, o.batch_size, o.seed, drop_last=True, rank=o.rank, world_size=o.world_size, permute=permute
        )
        return self._loader(batches, order)

    def _test_loader(self, batches: "Dataset", size: int, batch_size: int = EVALUATION_BATCH) -> "DataLoader":
        from xnorkit.data.order import BatchOrder

        o = self.options
        return self._loader(batches, BatchOrder(size, batch_size, None, rank=o.rank, world_size=o.world_size))

    def _loader(self, batches: "Dataset", order: "BatchOrder") -> "DataLoader":
        # batch_size=None: the sampler already names whole batches, so nothing is collated image by image.
        from torch.utils.data import DataLoader

        workers = self.options.workers
        return (self._loader_class or DataLoader)(
            batches, batch_size=None, sampler=order, num_workers=workers, persistent_workers=workers > 0
        )


def selection_split(size: int, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices to train on and the held-out ones, both ascending and the same for every seed.

    Args:
        size: the number of training images.
        share: the fraction to hold out, which is at least 1 image unless `share` is 0.
    """
    held_out = min(size - 1, max(1, round(size * share))) if share else 0
    order = np.random.default_rng(SELECTION_SEED).permutation(size)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
