"""Images and their labels in memory: NumPy arrays, which training sees as tensors."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Split"]


class Split:
    """Images (N, C, H, W), uint8 pixels or float32 already normalised, and their labels (N,) int64.

    Args:
        images, labels: arrays, or tensors on the CPU; both forms share their memory.

    Attributes:
        arrays: images and labels in NumPy; needs no torch.
    """

    def __init__(self, images: "NDArray[Any] | Tensor", labels: "NDArray[Any] | Tensor") -> None:
        self.arrays: tuple[NDArray[Any], NDArray[np.int64]] = (np.asarray(images), np.asarray(labels))

    @cached_property
    def images(self) -> "Tensor":
        """The images as a tensor."""
        import torch

        return torch.from_numpy(self.arrays[0])

    @cached_property
    def labels(self) -> "Tensor":
        """The labels as a tensor."""
        import torch

        return torch.from_numpy(self.arrays[1])
