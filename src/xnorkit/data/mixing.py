"""Mixup and CutMix: two neighbours in a batch become mixtures, and so do their labels."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.data.augment import box_mask
from xnorkit.data.draws import Draws

__all__ = ["Mixing"]

MIX_STREAM = 4


class Mixing:
    """Mixes each image of a batch with its neighbour: positions 0 and 1, 2 and 3, ...; an odd last one stays.

    Mixup: x = s x_i + (1 - s) x_j, y = s y_i + (1 - s) y_j, with s drawn from Beta(alpha, alpha) for each image.
    CutMix: a box of x_j with share 1 - s of the area, cut off at the borders, is put into x_i; s is then the share of
    x_i that is left to see.

    Neighbours in the order of the epoch are as random as any two images, and stay together however the batch is divided
    over processes, while each gets an even number of images.

    Args:
        draws: of the data set.
        num_classes: number of labels.
        mixup, cutmix: alpha, 0 for none; with both, each image takes one of them with probability 1/2.

    Source: Zhang et al., mixup: Beyond Empirical Risk Minimization (ICLR 2018); Yun et al., CutMix (ICCV 2019). There
    one s is drawn per batch; here one per image.
    """

    def __init__(self, draws: Draws, num_classes: int, mixup: float, cutmix: float) -> None:
        self.draws, self.num_classes, self.mixup, self.cutmix = draws, num_classes, mixup, cutmix

    def __call__(self, images: Tensor, labels: Tensor, epoch: int, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return mixed images (N, C, H, W) float32 and labels (N, num_classes) float32.

        Args:
            images: (N, C, H, W) float32, normalised.
            labels: (N,) int64.
            epoch: number of the epoch.
            indices: (N,) int64, of the images in the data set.
        """
        other = torch.arange(len(images)) ^ 1
        other[other >= len(images)] = len(images) - 1
        table = self.draws.rows(MIX_STREAM, epoch, indices, self._draw)
        cut, shares, centres = table[:, 0] > 0, table[:, 1].float(), table[:, 2:4].float()
        height, width = images.shape[2:]
        sides = (1 - shares).sqrt()[:, None] * torch.tensor([height, width])
        mask = box_mask(images, centres, sides)
        # Per pixel, the share of the image itself: s everywhere, or 0 inside the box and 1 outside.
        own = torch.where(cut[:, None, None, None], (~mask).float(), shares[:, None, None, None])
        weights = torch.where(cut, own.mean((1, 2, 3)), shares)[:, None]
        onehot = torch.nn.functional.one_hot(labels, self.num_classes).float()
        return torch.lerp(images[other], images, own), torch.lerp(onehot[other], onehot, weights)

    def _draw(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Return (size, 4): whether to cut (1) or to blend (0), the share of the image, the centre of the box."""
        cut = generator.random(size) < (0.5 if self.mixup and self.cutmix else float(bool(self.cutmix)))
        blend = generator.beta(self.mixup, self.mixup, size) if self.mixup else np.ones(size)
        kept = generator.beta(self.cutmix, self.cutmix, size) if self.cutmix else np.ones(size)
        return np.column_stack([cut, np.where(cut, kept, blend), generator.random((size, 2))])
