"""A few real images for each trained model, with the engine's answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.zoo.files import path

__all__ = ["Sample", "sample"]


@dataclass(frozen=True, eq=False)
class Sample:
    """The first images of the evaluation split.

    Attributes:
        images: (N, C, H, W) uint8.
        labels: (N,) int64.
        logits: (N, classes) float32, those of the model on every instruction set.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]


def sample(name: str) -> Sample:
    """Return the images that are stored with a trained model; InputError as in `path`."""
    with np.load(path(name).with_suffix(".npz"), allow_pickle=False) as stored:
        arrays: dict[str, Any] = {key: stored[key] for key in ("images", "labels", "logits")}
    return Sample(**arrays)
