"""ImageNet as Caffe keeps it: LMDB databases of Datum messages and a mean image, without Caffe."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.data._files import data_root, missing, read_bytes
from xnorkit.data.caffe_messages import read_blob, read_datum
from xnorkit.data.decode import DamagedImageError, Photo
from xnorkit.data.folders import OFFICIAL_CLASSES, imagenet_split
from xnorkit.data.options import DataOptions
from xnorkit.data.photo_crops import side_of
from xnorkit.data.photos import PhotoData
from xnorkit.errors import DataError, RecipeError
from xnorkit.format import Preparation

__all__ = ["CaffeCrop", "LmdbSource", "imagenet_lmdb"]

TRAIN, VAL, MEAN = "ilsvrc12_train_lmdb", "ilsvrc12_val_lmdb", "imagenet_mean.binaryproto"
FOLDERS = ("imagenet-lmdb", ".")
MEAN_BYTES = 16_000_000
REMEDY = (
    "They are made by examples/imagenet/create_imagenet.sh and make_imagenet_mean.sh of Caffe. Name the folder that "
    "has them (or set XNORKIT_DATA)."
)
# Open databases by folder. One must not be opened twice in a process, nor be used on the other side of a fork: all are
# closed before a fork, and opened again by whoever reads next.
_environments: dict[Path, Any] = {}


def _close_all() -> None:
    while _environments:
        _environments.popitem()[1].close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)


class LmdbSource:
    """Images and labels in an LMDB database, whose keys are the numbers of the images, '00000000', '00000001', ...

    Keys with more behind the number, as '00000000_n01440764/x.JPEG', are found by one walk over the database.

    Args:
        folder: holds `data.mdb`.
        num_classes: labels must be below.

    Raises:
        DataError: no database, an empty one, or the library lmdb is not installed.
    """

    def __init__(self, folder: Path, num_classes: int) -> None:
        self.folder, self.num_classes = folder.resolve(), num_classes
        with self._environment().begin() as transaction:
            self.size = transaction.stat()["entries"]
            cursor = transaction.cursor()
            if not cursor.first():
                raise DataError(f"{folder} is an empty database; required: images as Caffe writes them. {REMEDY}")
            plain = bytes(cursor.key()) == _key(0)
            self.keys = None if plain else np.array([bytes(key) for key in cursor.iternext(values=False)])

    def __len__(self) -> int:
        return self.size

    def read(self, index: int) -> tuple[bytes | Tensor, int]:
        """Return an image, encoded or RGB pixels (3, H, W) uint8, and its label; DamagedImageError if it cannot."""
        key = _key(index) if self.keys is None else bytes(self.keys[index])
        with self._environment().begin(buffers=True) as transaction:
            value = transaction.get(key)
            try:
                if value is None:
                    raise ValueError("no such key")
                image, label = read_datum(bytes(value))
            except ValueError as error:
                raise DamagedImageError(str(error)) from error
        if not 0 <= label < self.num_classes:
            raise DataError(
                f"{self.where(index)} has label {label}; required: 0 to {self.num_classes - 1}. The database is of "
                "other data, or damaged."
            )
        if isinstance(image, bytes):
            return image, label
        if len(image) != 3:
            raise DataError(f"{self.where(index)} has {len(image)} channels; required: 3, in the order BGR.")
        return torch.from_numpy(image[::-1].copy()), label

    def where(self, index: int) -> str:
        """Return the database and the key."""
        key = _key(index) if self.keys is None else bytes(self.keys[index])
        return f"{self.folder}:{key.decode(errors='replace')}"

    def permute(self, generator: np.random.Generator, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `members` in any order with equal probability; Caffe's own loader read them in file order."""
        return generator.permutation(members)

    def _environment(self) -> Any:
        if self.folder not in _environments:
            _environments[self.folder] = _open(self.folder)
        return _environments[self.folder]


class CaffeCrop:
    """A (side, side) part minus the same part of the mean image, blue first, in units of 0 to 255, mirrored at random.

    Training draws the part and whether the image is mirrored, which is done before the mean is taken off; evaluation
    takes the centre. Source: XNOR-Net-PyTorch (ImageNet/datasets), as Caffe's data layer.

    Args:
        mean: (3, H, W) float32, blue, green, red; images must be as large.
        side: of the part.
        train, flip: whether to draw the part, and the mirroring.
    """

    def __init__(self, mean: NDArray[np.float32], side: int, *, train: bool, flip: bool) -> None:
        self.mean, self.side, self.train, self.flip = torch.from_numpy(mean), side, train, flip
        if side > min(mean.shape[1:]):
            raise RecipeError(f"data.image_size={side}; required: at most {min(mean.shape[1:])}, that of {MEAN}.")

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return (3, side, side) float32, prepared."""
        pixels, top, left = self._part(photo, generator)
        return pixels.flip(0).float() - self.mean[:, top : top + self.side, left : left + self.side]

    def pixels(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return the same part as RGB pixels, (3, side, side) uint8."""
        return self._part(photo, generator)[0]

    @property
    def preparation(self) -> Preparation:
        """What is done to the pixels of an evaluation image."""
        top, left = ((length - self.side) // 2 for length in self.mean.shape[1:])
        mean = self.mean[:, top : top + self.side, left : left + self.side]
        return Preparation("bgr", mean_image=mean.numpy().copy())

    def _part(self, photo: Photo, generator: np.random.Generator) -> tuple[Tensor, int, int]:
        image = photo.pixels()[0]
        if image.shape != self.mean.shape:
            raise DamagedImageError(f"{tuple(image.shape)} beside a mean image of {tuple(self.mean.shape)}")
        if self.train and self.flip and generator.random() < 0.5:
            image = image.flip(2)
        slack = [length - self.side for length in self.mean.shape[1:]]
        # Rounded down, as the seed's centre crop.
        top, left = (int(generator.integers(s + 1)) if self.train else s // 2 for s in slack)
        return image[:, top : top + self.side, left : left + self.side], top, left


def imagenet_lmdb(root: Path | str | None = None, options: DataOptions | None = None) -> PhotoData:
    """Return ImageNet from Caffe's LMDB databases of 256x256 images.

    With preprocessing "seed", the mean image is taken off and channels are blue, green, red, as networks trained by
    Caffe or XNOR-Net-PyTorch want them: `preparation` says so, `mean` (of the mean image) and `std` are what comes
    nearest per channel, and RandAugment is not possible. With "modern", networks see RGB pixels as in `imagenet`.
    `test_batches` gives RGB pixels either way.

    Args:
        root: a folder that holds `ilsvrc12_train_lmdb/`, `ilsvrc12_val_lmdb/` and (for "seed")
            `imagenet_mean.binaryproto`, itself or in `imagenet-lmdb/`; by default XNORKIT_DATA, else `data`.
        options: see `DataOptions`.

    Raises:
        DataError: files missing or damaged, labels beyond 999, lmdb or protobuf not installed.
        RecipeError: options that need pixels, with preprocessing "seed".
    """
    options, root = options or DataOptions(), data_root(root)
    folder = _folder(root, [f"{TRAIN}/data.mdb", f"{VAL}/data.mdb"])
    crop = normalization = pixels = preparation = None
    if options.preprocessing == "seed":
        if options.randaugment:
            raise RecipeError(f"data.randaugment={options.randaugment} with preprocessing 'seed'; required: 0.")
        mean = _mean(_folder(root, [f"{TRAIN}/data.mdb", f"{VAL}/data.mdb", MEAN]) / MEAN)
        side, flip = side_of(options), options.flip is not False
        crop = CaffeCrop(mean, side, train=True, flip=flip), CaffeCrop(mean, side, train=False, flip=flip)
        pixels, preparation = crop[1].pixels, crop[1].preparation
        normalization = tuple((mean.mean((1, 2)) / 255).tolist()), (1 / 255,) * 3
        options = replace(options, flip=False)
    test = LmdbSource(folder / VAL, OFFICIAL_CLASSES)
    return PhotoData(
        name="imagenet-lmdb",
        classes=[str(number) for number in range(OFFICIAL_CLASSES)],
        split_name=imagenet_split(OFFICIAL_CLASSES, len(test)),
        options=options,
        train=LmdbSource(folder / TRAIN, OFFICIAL_CLASSES),
        test=test,
        normalization=normalization,
        crop=crop,
        pixel_crop=pixels,
        preparation=preparation,
    )


def _folder(root: Path, names: list[str]) -> Path:
    """Return the first folder that holds all files."""
    found = next((root / sub for sub in FOLDERS if all((root / sub / name).is_file() for name in names)), None)
    if found is None:
        raise missing("ImageNet in LMDB", root, FOLDERS, [names], REMEDY)
    return found


def _mean(path: Path) -> NDArray[np.float32]:
    try:
        mean = read_blob(read_bytes(path, MEAN_BYTES))
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}. {REMEDY}") from error
    if mean.ndim != 3 or len(mean) != 3:
        raise DataError(f"{path} holds an array of shape {mean.shape}; required: (3, H, W). {REMEDY}")
    return mean


def _key(index: int) -> bytes:
    return f"{index:08}".encode()


def _open(folder: Path) -> Any:
    try:
        import lmdb
    except ModuleNotFoundError as error:
        raise DataError(f"lmdb is needed for {folder}: {error}. Install xnorkit[caffe].") from error
    try:
        # No lock file: the folder may be read-only, and nobody writes. No read-ahead: the order is random.
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise DataError(f"{folder} is not a readable LMDB database: {error}. {REMEDY}") from error
