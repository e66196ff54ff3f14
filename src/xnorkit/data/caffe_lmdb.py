"""ImageNet in the format of Caffe, LMDB databases of Datum messages and a mean image, read without Caffe."""

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
    "Caffe's examples/imagenet/create_imagenet.sh and make_imagenet_mean.sh create these files. Pass the folder that "
    "holds them (or set XNORKIT_DATA)."
)
# Open databases by folder. A process must not open a database twice, nor use one that its parent opened before a fork.
# All are therefore closed before a fork, and the next read opens them again.
_environments: dict[Path, Any] = {}


def _close_all() -> None:
    while _environments:
        _environments.popitem()[1].close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)


class LmdbSource:
    """Images and labels in an LMDB database, whose keys are the numbers of the images, '00000000', '00000001', ...

    One pass over the database finds keys in which text follows the number, such as '00000000_n01440764/x.JPEG'.

    Args:
        folder: the folder that holds `data.mdb`.
        num_classes: the number of labels; every label must be below it.

    Raises:
        DataError: the database is missing or empty, or the library lmdb is not installed.
    """

    def __init__(self, folder: Path, num_classes: int) -> None:
        self.folder, self.num_classes = folder.resolve(), num_classes
        with self._environment().begin() as transaction:
            self.size = transaction.stat()["entries"]
            cursor = transaction.cursor()
            if not cursor.first():
                raise DataError(f"{folder} is an empty database, but it must hold images. {REMEDY}")
            plain = bytes(cursor.key()) == _key(0)
            self.keys = None if plain else np.array([bytes(key) for key in cursor.iternext(values=False)])

    def __len__(self) -> int:
        return self.size

    def read(self, index: int) -> tuple[bytes | Tensor, int]:
        """Return an image, encoded or as RGB pixels (3, H, W) uint8, and its label; or raise DamagedImageError."""
        key = _key(index) if self.keys is None else bytes(self.keys[index])
        with self._environment().begin(buffers=True) as transaction:
            value = transaction.get(key)
            try:
                if value is None:
                    raise ValueError("the database has no such key")
                image, label = read_datum(bytes(value))
            except ValueError as error:
                raise DamagedImageError(str(error)) from error
        if not 0 <= label < self.num_classes:
            raise DataError(
                f"{self.where(index)} has label {label}, but labels must be from 0 to {self.num_classes - 1}. The "
                "database holds other data or is damaged; create it again."
            )
        if isinstance(image, bytes):
            return image, label
        if len(image) != 3:
            raise DataError(f"{self.where(index)} has {len(image)} channels, but images must have 3, in BGR order.")
        return torch.from_numpy(image[::-1].copy()), label

    def where(self, index: int) -> str:
        """Return the database and the key."""
        key = _key(index) if self.keys is None else bytes(self.keys[index])
        return f"{self.folder}:{key.decode(errors='replace')}"

    def permute(self, generator: np.random.Generator, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `members` in a uniformly random order; Caffe's own loader reads them in file order."""
        return generator.permutation(members)

    def _environment(self) -> Any:
        if self.folder not in _environments:
            _environments[self.folder] = _open(self.folder)
        return _environments[self.folder]


class CaffeCrop:
    """A (side, side) crop minus the same crop of the mean image, in BGR order, in units of 0 to 255.

    Training draws the crop and whether to mirror the image, which precedes the subtraction of the mean; evaluation
    takes the centre. Source: XNOR-Net-PyTorch (ImageNet/datasets), after Caffe's data layer.

    Args:
        mean: (3, H, W) float32 in BGR order; images must be of the same size.
        side: the side of the crop.
        train, flip: whether to draw the crop, and whether to draw the mirroring.
    """

    def __init__(self, mean: NDArray[np.float32], side: int, *, train: bool, flip: bool) -> None:
        self.mean, self.side, self.train, self.flip = torch.from_numpy(mean), side, train, flip
        if side > min(mean.shape[1:]):
            raise RecipeError(f"data.image_size={side}, but {MEAN} allows at most {min(mean.shape[1:])}. Reduce it.")

    def __call__(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return the prepared crop (3, side, side) float32."""
        pixels, top, left = self._part(photo, generator)
        return pixels.flip(0).float() - self.mean[:, top : top + self.side, left : left + self.side]

    def pixels(self, photo: Photo, generator: np.random.Generator) -> Tensor:
        """Return the same crop as RGB pixels, (3, side, side) uint8."""
        return self._part(photo, generator)[0]

    @property
    def preparation(self) -> Preparation:
        """The preparation of an evaluation image."""
        top, left = ((length - self.side) // 2 for length in self.mean.shape[1:])
        mean = self.mean[:, top : top + self.side, left : left + self.side]
        return Preparation("bgr", mean_image=mean.numpy().copy())

    def _part(self, photo: Photo, generator: np.random.Generator) -> tuple[Tensor, int, int]:
        image = photo.pixels()[0]
        if image.shape != self.mean.shape:
            raise DamagedImageError(f"its shape {tuple(image.shape)} is not that of the mean, {tuple(self.mean.shape)}")
        if self.train and self.flip and generator.random() < 0.5:
            image = image.flip(2)
        slack = [length - self.side for length in self.mean.shape[1:]]
        # Rounded down, as in the seed's centre crop.
        top, left = (int(generator.integers(s + 1)) if self.train else s // 2 for s in slack)
        return image[:, top : top + self.side, left : left + self.side], top, left


def imagenet_lmdb(root: Path | str | None = None, options: DataOptions | None = None) -> PhotoData:
    """Return ImageNet from Caffe's LMDB databases of 256x256 images.

    With preprocessing "seed", the mean image is subtracted and channels are in BGR order, as networks trained by Caffe
    or XNOR-Net-PyTorch expect: `preparation` says so, `mean` (of the mean image) and `std` are the nearest values per
    channel, and RandAugment is refused. With "modern", networks see RGB pixels as in `imagenet`. `test_batches` yields
    RGB pixels in both cases.

    Args:
        root: a folder that holds `ilsvrc12_train_lmdb/`, `ilsvrc12_val_lmdb/` and (for "seed")
            `imagenet_mean.binaryproto`, directly or in `imagenet-lmdb/`; by default XNORKIT_DATA, else `data`.
        options: see `DataOptions`.

    Raises:
        DataError: files are missing or damaged, a label exceeds 999, or lmdb or protobuf is not installed.
        RecipeError: an option needs pixels, but preprocessing is "seed".
    """
    options, root = options or DataOptions(), data_root(root)
    folder = _folder(root, [f"{TRAIN}/data.mdb", f"{VAL}/data.mdb"])
    crop = normalization = pixels = preparation = None
    if options.preprocessing == "seed":
        if options.randaugment:
            raise RecipeError(f"data.randaugment={options.randaugment}, but preprocessing 'seed' needs 0. Set it to 0.")
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
        raise DataError(f"{path} holds an array of shape {mean.shape}, but the shape must be (3, H, W). {REMEDY}")
    return mean


def _key(index: int) -> bytes:
    return f"{index:08}".encode()


def _open(folder: Path) -> Any:
    try:
        import lmdb
    except ModuleNotFoundError as error:
        raise DataError(f"{folder} needs lmdb, but its import failed: {error}. Install xnorkit[caffe].") from error
    try:
        # No lock file, because the folder may be read-only and nothing writes. No read-ahead: the order is random.
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise DataError(f"{folder} must be an LMDB database, but opening it failed: {error}. {REMEDY}") from error
