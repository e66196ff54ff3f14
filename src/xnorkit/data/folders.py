"""Photographs in one folder per class: general image folders, and ImageNet."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import GONE, data_root, vanished
from xnorkit.data.decode import DamagedImageError
from xnorkit.data.options import DataOptions
from xnorkit.data.photos import PhotoData
from xnorkit.errors import DataError

__all__ = ["FolderSource", "imagefolder", "imagenet"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
TRAIN, TEST = ("train",), ("val", "validation", "test")
HELD_OUT, SPLIT_SEED = 0.2, 0
OFFICIAL_CLASSES = 1000
OFFICIAL_IMAGES = 50_000  # of ImageNet's validation part
REMEDY = "Pass the folder of the data, or set XNORKIT_DATA."


class FolderSource:
    """Image files below FOLDER/CLASS/, in the order of their names.

    Args:
        folder: the folder that holds a folder per class, each with images at any depth.
        classes: the names of these folders, in the order of their labels.

    Raises:
        DataError: the folder holds no images, or a folder of another class.
    """

    def __init__(self, folder: Path, classes: list[str]) -> None:
        self.folder = folder
        paths: list[bytes] = []
        labels: list[int] = []
        unknown = [name for name in class_names(folder) if name not in classes]
        if unknown:
            raise DataError(
                f"{folder} has the class folders {', '.join(unknown[:5])}, but its classes must be those of the "
                "training images. Remove or rename these folders."
            )
        for label, name in enumerate(classes):
            found = _images(folder, name)
            paths += found
            labels += [label] * len(found)
        if not paths:
            raise DataError(
                f"{folder} holds no images, but its {len(classes)} class folders must hold {', '.join(SUFFIXES)} "
                f"files. {REMEDY}"
            )
        # One array of bytes instead of a million objects, whose reference counts would make workers copy their pages.
        self.paths, self.labels = np.array(paths), np.array(labels)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> tuple[bytes, int]:
        """Return the bytes of a file and its label; or raise DataError if missing, DamagedImageError if unreadable."""
        try:
            return (self.folder / os.fsdecode(self.paths[index])).read_bytes(), int(self.labels[index])
        except GONE as error:
            raise vanished(self.where(index), error) from error
        except OSError as error:
            raise DamagedImageError(str(error)) from error

    def where(self, index: int) -> str:
        """Return the path of the file."""
        return str(self.folder / os.fsdecode(self.paths[index]))

    def permute(self, generator: np.random.Generator, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `members` in a uniformly random order."""
        return generator.permutation(members)


def imagefolder(root: Path | str | None = None, options: DataOptions | None = None) -> PhotoData:
    """Return the photographs of a folder that holds a folder per class.

    The layout is ROOT/train/CLASS/... and ROOT/val/CLASS/... (also `validation` or `test`), or ROOT/CLASS/..., of which
    a fixed fifth is then held out for evaluation. Classes are numbered in the order of their names.

    Args:
        root: the folder; by default XNORKIT_DATA, else `data`.
        options: see `DataOptions`.

    Raises:
        DataError: there are no class folders or no images, or the two parts have different classes.
    """
    options, root = options or DataOptions(), data_root(root)
    train, test = _part(root, TRAIN), _part(root, TEST)
    if train is not None and test is not None:
        return _data("imagefolder", train, test, test.name, options)
    if train is None and test is None and class_names(root):
        source = FolderSource(root, class_names(root))
        order = np.random.default_rng(SPLIT_SEED).permutation(len(source))
        cut = max(1, round(HELD_OUT * len(source)))
        members = np.sort(order[cut:]), np.sort(order[:cut])
        return PhotoData(
            name="imagefolder",
            classes=class_names(root),
            split_name="held-out 20 %",
            options=options,
            train=source,
            test=source,
            members=members,
        )
    lacking = "train" if train is None else "val, validation or test"
    there = f"has no folder {lacking} with classes" if train or test else "has no folders with images"
    raise DataError(
        f"{root} {there if root.is_dir() else 'does not exist'}, but an image folder must hold train/CLASS/*.jpg "
        f"and val/CLASS/*.jpg, or CLASS/*.jpg. {REMEDY}"
    )


def imagenet(root: Path | str | None = None, options: DataOptions | None = None) -> PhotoData:
    """Return ImageNet (ILSVRC 2012): photographs in train/WNID/ and val/WNID/, 1,000 classes.

    Args:
        root: a folder that holds `train` and `val`, directly or in `imagenet/`; by default XNORKIT_DATA, else `data`.
        options: see `DataOptions`.

    Raises:
        DataError: folders or images are missing.

    Source: Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge (2015).
    """
    options, root = options or DataOptions(), data_root(root)
    for folder in (root / "imagenet", root):
        train, test = _part(folder, TRAIN), _part(folder, ("val",))
        if train is not None and test is not None:
            return _data("imagenet", train, test, "validation (official)", options)
    raise DataError(
        f"ImageNet was not found in {root}{'' if root.is_dir() else ' (it does not exist)'}, but {root / 'imagenet'} "
        f"or {root} must hold train/WNID/*.JPEG and val/WNID/*.JPEG. The authors of ILSVRC 2012 provide it on request "
        "(image-net.org): unpack each training archive into a folder for its class, and sort the 50,000 validation "
        f"images into folders of the same names. {REMEDY}"
    )


def class_names(folder: Path) -> list[str]:
    """Return the sorted names of the visible folders in `folder`."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _part(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if class_names(root / name)), None)


def _data(name: str, train: Path, test: Path, split_name: str, options: DataOptions) -> PhotoData:
    classes = class_names(train)
    evaluated = FolderSource(test, classes)
    if name == "imagenet":
        split_name = imagenet_split(len(classes), len(evaluated))
    return PhotoData(
        name=name,
        classes=classes,
        split_name=split_name,
        options=options,
        train=FolderSource(train, classes),
        test=evaluated,
    )


def imagenet_split(classes: int, images: int) -> str:
    """Return the name of ImageNet's evaluation split: official only if all classes and images are there."""
    if classes != OFFICIAL_CLASSES:
        return f"validation ({classes} of {OFFICIAL_CLASSES} classes)"
    whole = images == OFFICIAL_IMAGES
    return "validation (official)" if whole else f"validation ({images} of {OFFICIAL_IMAGES} images)"


def _images(folder: Path, name: str) -> list[bytes]:
    """Return the image files below FOLDER/NAME, relative to FOLDER, sorted."""
    found = []
    # A walk over strings: a million Path objects and a system call for each would take minutes.
    for parent, _, files in os.walk(folder / name, followlinks=True):
        inside = os.path.relpath(parent, folder)
        found += [os.fsencode(f"{inside}/{file}") for file in files if _is_image(file)]
    return sorted(found)


def _is_image(name: str) -> bool:
    # File managers leave hidden files such as "._x.jpg", which are not images.
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
