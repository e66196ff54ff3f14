"""Accuracy of anything that maps images to logits."""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from xnorkit.data.base import ImageData
from xnorkit.errors import InputError, RecipeError
from xnorkit.format import Preparation

__all__ = ["WITH_FLIP", "ClassFigures", "Evaluation", "check_flip", "evaluate_model", "split_words"]

WITH_FLIP = "with test-time flip"

TOP5_CLASSES = 5  # with fewer classes, top-5 says nothing


# "class" is no name for an attribute.
ClassFigures = TypedDict("ClassFigures", {"class": str, "images": int, "top1": float, "top5": float | None})


class Evaluation(TypedDict):
    """Number of images, and the share whose label is the best, or among the five best, of the logits; also per class.

    top5 is None below 5 classes; the figures of a class without images are 0.
    """

    images: int
    top1: float
    top5: float | None
    per_class: list[ClassFigures]


def evaluate_model(
    predict: Callable[[NDArray[Any]], NDArray[np.floating]],
    data: ImageData,
    batch_size: int = 1000,
    test_flip: bool = False,
) -> Evaluation:
    """Return top-1 and top-5 accuracy of `predict` on the evaluation split.

    Equal logits rank by class number, as `argmax` does.

    Args:
        predict: maps images (N, C, H, W) uint8, or float32 already normalised where the data set has no pixels, to
            logits (N, num_classes).
        data: the data set.
        batch_size: images per call of `predict`.
        test_flip: call `predict` twice, the second time with the images mirrored left to right, and rank the means of
            the logits (see `split_words` for how to name the result).

    Raises:
        InputError: logits of another shape, or with NaN.
    """
    count = data.num_classes
    # Rows: images, hits, hits among five; columns: classes.
    tally = np.zeros((3, count), np.int64)
    for images, labels in data.test_batches(batch_size):
        logits = np.asarray(predict(images))
        if test_flip:
            logits = (logits + np.asarray(predict(np.ascontiguousarray(images[..., ::-1])))) / 2
        required = (len(labels), count)
        if logits.shape != required or np.isnan(logits).any():
            raise InputError(
                f"predict returned logits of shape {logits.shape}, but they must be {required} without NaN. Check that "
                f"the model was made for data '{data.name}'."
            )
        order = np.argsort(-logits, axis=1, kind="stable")
        rank = np.argmax(order == labels[:, None], axis=1)
        for row, hit in enumerate((rank >= 0, rank < 1, rank < TOP5_CLASSES)):
            tally[row] += np.bincount(labels[hit], minlength=count)
    shares = tally[1:] / np.maximum(tally[0], 1)
    both = tally[1:].sum(1) / max(int(tally[0].sum()), 1)
    per_class: list[ClassFigures] = [
        {"class": name, "images": int(tally[0, i]), "top1": float(shares[0, i]), "top5": _top5(shares[1, i], count)}
        for i, name in enumerate(data.classes)
    ]
    images_in_all = int(tally[0].sum())
    return {"images": images_in_all, "top1": float(both[0]), "top5": _top5(both[1], count), "per_class": per_class}


def split_words(split: str, test_flip: bool) -> str:
    """Return the name of a split as it stands beside figures: it says so if these are with test-time flip."""
    return f"{split}, {WITH_FLIP}" if test_flip else split


def check_flip(preparation: Preparation) -> None:
    """Raise RecipeError for images less a mean image: their mirror is not that of the picture."""
    if preparation.mean_image is not None:
        raise RecipeError(
            "the test-time flip needs pixels that are normalised per channel, but these images have a mean image "
            "subtracted, which is not symmetric. Leave test_flip out."
        )


def _top5(share: float, classes: int) -> float | None:
    return float(share) if classes >= TOP5_CLASSES else None
