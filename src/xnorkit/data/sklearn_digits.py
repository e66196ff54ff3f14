"""The handwritten digits of scikit-learn: real data without a download."""

import numpy as np
from numpy.typing import NDArray

from xnorkit.data.memory import MemoryData, split_of
from xnorkit.data.options import DataOptions

__all__ = ["digits"]

SIDE, SOURCE_SIDE, SOURCE_MAX = 28, 8, 16
MEAN, STD = (0.305,), (0.325,)  # of pixels / 255 in the training split


def digits(options: DataOptions | None = None) -> MemoryData:
    """Return 1,797 handwritten digits as 28x28 grey images, 80 % for training and 20 % held out.

    The 8x8 images with values 0 to 16 are enlarged bilinearly and rounded to uint8. The split is fixed and stratified
    by class. It does not separate writers, so its figures cannot be compared with those of the original test set.

    Args:
        options: see `DataOptions`.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits (1998), test part, in scikit-learn.
    """
    # Imported here, because scikit-learn takes a second to import and other data sets do not need it.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    source = load_digits()
    train_images, test_images, train_labels, test_labels = train_test_split(
        _enlarged(source.images), source.target, test_size=0.2, stratify=source.target, random_state=0
    )
    return MemoryData(
        name="digits",
        classes=[str(digit) for digit in range(10)],
        mean=MEAN,
        std=STD,
        split_name="held-out 20 %",
        train=split_of(train_images, train_labels),
        test=split_of(test_images, test_labels),
        options=options or DataOptions(),
    )


def _enlarged(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (N, 28, 28) uint8 from (N, 8, 8) in [0, 16], bilinear between pixel centres."""
    centres = np.clip((np.arange(SIDE) + 0.5) * SOURCE_SIDE / SIDE - 0.5, 0, SOURCE_SIDE - 1)
    weights = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(SOURCE_SIDE)))
    return np.rint(weights @ images @ weights.T * (255 / SOURCE_MAX)).astype(np.uint8)
