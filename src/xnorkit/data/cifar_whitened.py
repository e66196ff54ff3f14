"""CIFAR-10 whitened by ZCA, and the whitening itself."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import data_root, missing
from xnorkit.data.cifar import CIFAR10, MEAN10, STD10, cifar10
from xnorkit.data.memory import MemoryData
from xnorkit.data.options import DataOptions
from xnorkit.data.split import Split
from xnorkit.errors import DataError, InputError
from xnorkit.format import Preparation

__all__ = ["Whitening", "cifar10_whitened", "contrast_normalized", "write_cifar10_whitened"]

SCALE = 55.0
FILTER_BIAS = 0.1


def contrast_normalized(images: NDArray[np.uint8], scale: float = SCALE) -> NDArray[np.float32]:
    """Return each image minus its mean, with Euclidean norm `scale`: x' = scale (x - mean(x)) / ||x - mean(x)||.

    A uniform image becomes 0.

    Args:
        images: (N, ...) of any numeric dtype; mean and norm are taken over all values of an image.
        scale: the norm of each result.
    """
    x = images.reshape(len(images), -1).astype(np.float32)
    x -= x.mean(1, keepdims=True)
    norm = np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
    x *= np.where(norm > 0, scale / np.where(norm > 0, norm, 1), 0)
    return x.reshape(images.shape)


class Whitening:
    """Zero-phase component analysis: x' = (x - m) P with P = V (L + b)^(-1/2) V^T, fitted to training images.

    m is the mean image and V L V^T the covariance (1/N) sum (x - m)^T (x - m) of N images as rows of D values. The
    result has covariance L / (L + b) along V, nearly the identity, and is the nearest to x of all such results.

    Args:
        images: the images (N, ...) float32 to fit.
        filter_bias: b, above 0, which limits how much the smallest components are amplified.

    Raises:
        InputError: there are fewer than 2 images, or filter_bias is not above 0.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009), appendix A. Scale 55 and b = 0.1
    are the values in common use for CIFAR-10; they were not compared with the author's files.
    """

    def __init__(self, images: NDArray[np.float32], filter_bias: float = FILTER_BIAS) -> None:
        if len(images) < 2 or not filter_bias > 0:
            raise InputError(
                f"{len(images)} images and filter_bias={filter_bias}, but whitening needs at least 2 images and a "
                "filter_bias above 0."
            )
        x = images.reshape(len(images), -1)
        self.mean = x.mean(0, dtype=np.float64).astype(np.float32)
        centred = x - self.mean
        covariance = (centred.T @ centred).astype(np.float64) / len(x)
        values, vectors = np.linalg.eigh(covariance + filter_bias * np.eye(len(covariance)))
        self.matrix = (vectors / np.sqrt(values) @ vectors.T).astype(np.float32)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the whitened images; their shape must be that of the fitted ones."""
        return ((images.reshape(len(images), -1) - self.mean) @ self.matrix).reshape(images.shape)


NAMES = ("train_data", "train_labels", "test_data", "test_labels")
NOTE = "split_name"  # a text file that describes the test part; files from elsewhere lack it
UNSAID = "test_data (which images, the files do not say)"
LOOKED_AT = 64
# The name of a common normalisation of pixels -> its mean and std.
GRIDS = {
    "pixels of 0 to 1": ((0.0,) * 3, (1.0,) * 3),
    "pixels of -1 to 1": ((0.5,) * 3, (0.5,) * 3),
    "pixels normalised by ImageNet's mean and std": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "pixels normalised by CIFAR-10's mean and std": (MEAN10, STD10),
}
FOLDERS = ("cifar10-whitened", ".")
IMAGE = (3, 32, 32)
REMEDY = (
    "Pass the folder that holds them (or set XNORKIT_DATA), or create them from CIFAR-10 with "
    "xnorkit.data.write_cifar10_whitened(ROOT, FOLDER)."
)


def cifar10_whitened(root: Path | str | None = None, options: DataOptions | None = None) -> MemoryData:
    """Return contrast-normalised, whitened CIFAR-10: float32 values instead of pixels.

    Networks take the values unchanged, so mean is 0 and std is 1, and an exported model expects the same floats:
    `preparation.prepared` says "whitened". Files from elsewhere may hold plain, normalised pixels; these are read as
    well, and `preparation.prepared` describes them.

    Args:
        root: a folder that holds `train_data`, `train_labels`, `test_data` and `test_labels`, NumPy arrays saved under
            these names without a suffix, directly or in `cifar10-whitened/`; images are floats (N, 3, 32, 32).
        options: see `DataOptions`; there is no download.

    Raises:
        DataError: files are missing or hold something else.
    """
    root = data_root(root)
    folder = next((root / sub for sub in FOLDERS if all((root / sub / name).is_file() for name in NAMES)), None)
    if folder is None:
        raise missing("whitened CIFAR-10", root, FOLDERS, [NAMES], REMEDY)
    note, test = folder / NOTE, _split(folder, "test")
    prepared = _word(test.arrays[0])
    return MemoryData(
        name="cifar10-whitened",
        classes=CIFAR10,
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        split_name=note.read_text(encoding="utf-8").strip() if note.is_file() else f"{UNSAID}, {prepared}",
        train=_split(folder, "train"),
        test=test,
        options=options or DataOptions(),
        preparation=Preparation(prepared=prepared),
    )


def write_cifar10_whitened(root: Path | str | None, folder: Path | str) -> None:
    """Write the four files into `folder` from the official files of CIFAR-10 in `root`.

    Both parts are contrast-normalised, then whitened by the fit to the training part. This takes about 2 GB of memory.

    Raises:
        DataError: as `cifar10`.
    """
    data, folder = cifar10(root), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (contrast_normalized(split.arrays[0]) for split in (data.train, data.test))
    whiten = Whitening(train)
    for part, images, split in (("train", train, data.train), ("test", test, data.test)):
        for name, array in ((f"{part}_data", whiten(images)), (f"{part}_labels", split.arrays[1])):
            with (folder / name).open("wb") as file:
                np.save(file, array)
    (folder / NOTE).write_text(f"{data.split_name}, whitened\n", encoding="utf-8")


def _split(folder: Path, part: str) -> Split:
    images, labels = (_array(folder / f"{part}_{kind}") for kind in ("data", "labels"))
    if images.dtype.kind != "f" or images.shape[1:] != IMAGE or not len(images):
        raise _wrong(folder / f"{part}_data", images, "floats of shape (N, 3, 32, 32)")
    if labels.dtype.kind not in "iu" or labels.shape != (len(images),) or labels.min() < 0 or labels.max() > 9:
        raise _wrong(folder / f"{part}_labels", labels, f"integers 0 to 9 of shape ({len(images)},)")
    values = images.astype(np.float32)
    if not np.isfinite(values).all():
        raise _wrong(folder / f"{part}_data", images, "finite numbers")
    return Split(values, labels.astype(np.int64))


def _word(images: NDArray[np.float32]) -> str:
    """Return what floats in such files are: "whitened", unless they lie where normalised pixels do."""
    first = images[:LOOKED_AT].astype(np.float64)
    for word, numbers in GRIDS.items():
        mean, std = (np.array(values)[:, None, None] for values in numbers)
        pixels = (first * std + mean) * 255
        if (np.abs(pixels - np.rint(pixels)) < 0.01).all() and pixels.min() > -0.5 and pixels.max() < 255.5:
            return word
    return "whitened"


def _array(path: Path) -> NDArray:
    try:
        # Mapped, so that a header that promises more than the file holds fails without an allocation.
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} must be a file of numpy.save, but reading it failed: {error}. {REMEDY}") from error


def _wrong(path: Path, array: NDArray, expected: str) -> DataError:
    return DataError(f"{path} holds {array.dtype} of shape {array.shape}, but it must hold {expected}. {REMEDY}")
