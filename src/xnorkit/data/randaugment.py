"""RandAugment on a whole batch: images that drew the same operation are changed together."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.data._torchvision import import_transforms
from xnorkit.data.augment import Draws
from xnorkit.data.options import MAX_RANDAUGMENT_LEVEL

__all__ = ["RandAugment"]

AUGMENT_STREAM = 5

Operation = Callable[[Any, Tensor, float], Tensor]  # torchvision.transforms.v2.functional, images, strength -1 to 1


def _affine(images: Tensor, functional: Any, shift: tuple[float, float], shear: tuple[float, float]) -> Tensor:
    # The two shears of torchvision are degrees around the given centre; those of the paper are slopes from the corner.
    degrees = [float(np.degrees(np.arctan(slope))) for slope in shear]
    moved = [round(pixels) for pixels in shift]
    return functional.affine(images, angle=0.0, translate=moved, scale=1.0, shear=degrees, center=[0, 0])


# The strength s is level / 30, with a random sign if the operation has two directions.
SIGNED: tuple[Operation, ...] = (
    lambda f, x, s: _affine(x, f, (0, 0), (0.3 * s, 0)),
    lambda f, x, s: _affine(x, f, (0, 0), (0, 0.3 * s)),
    lambda f, x, s: _affine(x, f, (150 / 331 * s * x.shape[3], 0), (0, 0)),
    lambda f, x, s: _affine(x, f, (0, 150 / 331 * s * x.shape[2]), (0, 0)),
    lambda f, x, s: f.rotate(x, 30 * s),
    lambda f, x, s: f.adjust_brightness(x, 1 + 0.9 * s),
    lambda f, x, s: f.adjust_saturation(x, 1 + 0.9 * s),
    lambda f, x, s: f.adjust_contrast(x, 1 + 0.9 * s),
    lambda f, x, s: f.adjust_sharpness(x, 1 + 0.9 * s),
)
UNSIGNED: tuple[Operation, ...] = (
    lambda f, x, s: x,
    lambda f, x, s: f.posterize(x, 8 - round(4 * s)),
    lambda f, x, s: f.solarize(x, 255 * (1 - s)),
    lambda f, x, s: f.autocontrast(x),
    lambda f, x, s: f.equalize(x),
)
CHOICES = len(SIGNED) + len(UNSIGNED)


class RandAugment:
    """Applies `count` random operations out of 14 to each image: shears, shifts, rotation, colours, tones.

    The operations and their directions are drawn per image from (seed, epoch, index).

    Args:
        draws: the draws of the data set.
        count: the number of operations per image.
        level: the strength, from 0 to 30.

    Source: Cubuk et al., RandAugment (2019), with the operations and ranges of torchvision.
    """

    def __init__(self, draws: Draws, count: int, level: int) -> None:
        self.draws, self.count, self.strength = draws, count, level / MAX_RANDAUGMENT_LEVEL
        import_transforms()  # report a missing library before training begins

    def __call__(self, images: Tensor, epoch: int, indices: Tensor) -> Tensor:
        """Return changed images (N, C, H, W) uint8, C 1 or 3; `indices` (N,) int64 are their places in the data set."""
        functional = import_transforms().functional
        table = self.draws.rows(AUGMENT_STREAM, epoch, indices, self._draw)
        result = images.clone()
        for drawn in table.unbind(1):
            for code in drawn.unique().tolist():
                members = (drawn == code).nonzero()[:, 0]
                choice, negative = divmod(code, 2)
                result[members] = self._apply(functional, choice, bool(negative), result[members])
        return result

    def _apply(self, functional: Any, choice: int, negative: bool, images: Tensor) -> Tensor:
        if choice < len(SIGNED):
            return SIGNED[choice](functional, images, -self.strength if negative else self.strength)
        return UNSIGNED[choice - len(SIGNED)](functional, images, self.strength)

    def _draw(self, generator: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return (size, count): 2 * operation + sign; the sign of an operation with one direction is 0."""
        choice = generator.integers(0, CHOICES, (size, self.count))
        sign = generator.integers(0, 2, (size, self.count)) * (choice < len(SIGNED))
        return 2 * choice + sign
