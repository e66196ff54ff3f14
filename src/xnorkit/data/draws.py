"""Random numbers that belong to an image and an epoch."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Draws"]

Draw = Callable[[np.random.Generator, int], NDArray]


class Draws:
    """Tables with a row per image, drawn from (seed, epoch, stream): row i belongs to image i, whatever its batch.

    The table of an epoch is drawn whole once and kept until another epoch is asked for.

    Args:
        size: number of images.
        seed: of all draws.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self._tables: dict[int, tuple[int, Tensor]] = {}

    def rows(self, stream: int, epoch: int, indices: Tensor, draw: Draw) -> Tensor:
        """Return the rows `indices` (B,) of what `draw` makes of (generator, number of images)."""
        if self._tables.get(stream, (-1,))[0] != epoch:
            generator = np.random.default_rng((self.seed, epoch, stream))
            self._tables[stream] = (epoch, torch.from_numpy(draw(generator, self.size)))
        return self._tables[stream][1].index_select(0, indices)
