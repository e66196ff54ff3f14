"""Data sets of photographs that are decoded on demand."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from xnorkit.data.base import EVALUATION_BATCH, ImageData, Pixels, selection_split
from xnorkit.data.batches import Augmentation, normalize
from xnorkit.data.decode import DamagedImageError, Photo
from xnorkit.data.options import DataOptions
from xnorkit.data.order import Permute, Request
from xnorkit.data.photo_crops import Crop, crops, side_of
from xnorkit.errors import DataError
from xnorkit.format import Preparation

__all__ = ["PhotoBatches", "PhotoData", "PhotoSource"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SEED_STD = (1 / 255, 1 / 255, 1 / 255)
CROP_STREAM = 6
SHOWN = 5
log = logging.getLogger("xnorkit.data")


class PhotoSource(Protocol):
    """Encoded images by number, which any process can read."""

    def __len__(self) -> int:
        """Return the number of images."""

    def read(self, index: int) -> tuple[bytes | Tensor, int]:
        """Return an image, encoded or as RGB pixels (3, H, W) uint8, and its label; or raise DamagedImageError."""

    def where(self, index: int) -> str:
        """Return the name of the image for a report."""

    def permute(self, generator: np.random.Generator, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `members` (N,) in a random order that suits the storage."""


class PhotoBatches(Dataset[tuple[Tensor, Tensor]]):
    """Maps (epoch, positions (B,) int64) to (images (B', C, S, S), labels) without damaged images, B' <= B.

    Args:
        source: all images of a split.
        members: (N,) int64, the images to use: position p is image members[p].
        crop: the crop that turns a photograph into a square.
        seed: the seed of the crops.
        normalization: mean and std per channel, of pixels in [0, 1]; None leaves the pixels unchanged.
        augmentation: the changes to training images; None changes nothing.

    Attributes:
        damaged: (number of images in the source,) bool, shared by all worker processes: the images that cannot be
            decoded.

    Raises:
        DataError: every image of a batch is damaged.
    """

    def __init__(
        self,
        source: PhotoSource,
        members: NDArray[np.int64],
        crop: Crop,
        *,
        seed: int = 0,
        normalization: tuple[Sequence[float], Sequence[float]] | None,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.source, self.members, self.crop, self.seed = source, members, crop, seed
        self.normalization, self.augmentation = normalization, augmentation
        self.damaged = torch.zeros(len(source), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, request: Request) -> tuple[Tensor, Tensor]:
        epoch, positions = request
        images, labels, kept = [], [], []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of oddities that do not prevent decoding
            for position in positions.tolist():
                index = int(self.members[position])
                try:
                    content, label = self.source.read(index)
                    images.append(self.crop(Photo(content), self._generator(epoch, index)))
                except DamagedImageError:
                    self.damaged[index] = True
                    continue
                labels.append(label)
                kept.append(position)
        if not images:
            first = self.source.where(int(self.members[positions[0]]))
            raise DataError(f"all {len(positions)} images of a batch are damaged, {first} among them. Check the data.")
        return self._finished(torch.stack(images), torch.tensor(labels), epoch, torch.tensor(kept))

    def _generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, epoch, CROP_STREAM, index))

    def _finished(self, images: Tensor, labels: Tensor, epoch: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        if self.augmentation is not None:
            images = self.augmentation.pixels(images, epoch, positions)
        if self.normalization is not None:
            images = normalize(images, *self.normalization)
        if self.augmentation is not None:
            return self.augmentation.mix(images, labels, epoch, positions)
        return images, labels


class _ReportingLoader(DataLoader):
    """Logs the damaged images after each epoch, if there are new ones."""

    _reported = 0

    def __iter__(self) -> Any:
        try:
            yield from super().__iter__()
        except DataError as error:
            # The text of an error from a worker process is its traceback, whose last line is the message.
            raise DataError(str(error).strip().rpartition(f"{DataError.__name__}: ")[2]) from error
        finally:
            self._report()

    def _report(self) -> None:
        batches: Any = self.dataset
        found = batches.damaged.nonzero()[:, 0].tolist()
        if len(found) > self._reported:
            names = ", ".join(batches.source.where(index) for index in found[:SHOWN])
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            log.warning("%d of %d images are damaged and were skipped: %s%s", len(found), len(batches), names, more)
            self._reported = len(found)


class PhotoData(ImageData):
    """A data set whose photographs are decoded, cropped and augmented on demand, by `workers` processes.

    Args:
        name, classes, split_name, options: see `ImageData`; flip is on unless the options turn it off.
        train, test: the sources of the two splits.
        normalization: mean and std per channel; the default is ImageNet's, with a std of 1/255 under the preprocessing
            "seed", so that the network sees differences of 0 to 255.
        crop: the crops of training images and of all others; the default follows the options.
        pixel_crop: the crop of evaluation images without any preparation; by default the second of `crop`.
        preparation: what `crop` does besides a normalisation.
        members: the images of `train` and of `test` that belong to the splits; by default all.
    """

    _loader_class = _ReportingLoader

    def __init__(
        self,
        *,
        name: str,
        classes: Sequence[str],
        split_name: str,
        options: DataOptions,
        train: PhotoSource,
        test: PhotoSource,
        normalization: tuple[Sequence[float], Sequence[float]] | None = None,
        crop: tuple[Crop, Crop] | None = None,
        pixel_crop: Crop | None = None,
        preparation: Preparation | None = None,
        members: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    ) -> None:
        options = replace(options, flip=True) if options.flip is None else options
        usual = (IMAGENET_MEAN, SEED_STD if options.preprocessing == "seed" else IMAGENET_STD)
        mean, std = usual if normalization is None else normalization
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
        self.train_crop, self.test_crop = crop or crops(options)
        self.pixel_crop = pixel_crop or self.test_crop
        self.train_members, self.test_members = members or (np.arange(len(train)), np.arange(len(test)))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of one image."""
        side = side_of(self.options)
        return 3, side, side

    def train_dataloader(self) -> DataLoader:
        """Return shuffled, augmented, normalised training batches; see `ImageData`."""
        members = self.train_members[selection_split(len(self.train_members), self.options.selection)[0]]
        augmentation = Augmentation(len(members), self.num_classes, self.options)
        batches = self._batches(self.train, members, self.train_crop, augmentation)
        return self._train_loader(batches, len(members), _local_order(self.train, members))

    def selection_dataloader(self) -> DataLoader | None:
        """Return the held-out training images, cropped like evaluation images, or None if none are held out."""
        members = self.train_members[selection_split(len(self.train_members), self.options.selection)[1]]
        return self._evaluation(self.train, members) if len(members) else None

    def test_dataloader(self) -> DataLoader:
        """Return the evaluation split in file order, normalised."""
        return self._evaluation(self.test, self.test_members)

    def test_batches(self, batch_size: int = EVALUATION_BATCH) -> Iterator[tuple[Pixels, NDArray[np.int64]]]:
        """Yield the evaluation split as NumPy arrays; see `ImageData`."""
        batches = PhotoBatches(self.test, self.test_members, self.pixel_crop, normalization=None)
        for images, labels in self._test_loader(batches, len(batches), batch_size):
            yield images.numpy(), labels.numpy()

    def _evaluation(self, source: PhotoSource, members: NDArray[np.int64]) -> DataLoader:
        # A thousand photographs would take 600 MB.
        return self._test_loader(self._batches(source, members, self.test_crop), len(members), self.options.batch_size)

    def _batches(
        self,
        source: PhotoSource,
        members: NDArray[np.int64],
        crop: Crop,
        augmentation: Augmentation | None = None,
    ) -> PhotoBatches:
        normalization = (self.mean, self.std)
        seed = self.options.seed
        return PhotoBatches(source, members, crop, seed=seed, normalization=normalization, augmentation=augmentation)


def _local_order(source: PhotoSource, members: NDArray[np.int64]) -> Permute:
    """Return the order of the epoch as positions in `members`, drawn in a way that suits the storage."""

    def permute(generator: np.random.Generator) -> Tensor:
        # members is ascending, so a binary search finds the position of each image.
        return torch.from_numpy(np.searchsorted(members, source.permute(generator, members)))

    return permute
