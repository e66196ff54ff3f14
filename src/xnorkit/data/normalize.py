"""From pixels to what the first layer sees."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["normalize"]


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return (x / 255 - mean) / std per channel, in float32 and in this order: (N, C, H, W) uint8 -> float32.

    Float32 images are returned as they are: they are normalised already, as the deployed runtime takes them too.

    The deployed runtime repeats these three float32 operations, so that both see the same bits; a folded form
    (x * scale + shift) would round differently.
    """
    if images.dtype == torch.float32:
        return images
    x = images.to(torch.float32)
    m, s = (torch.tensor(values, dtype=torch.float32, device=x.device).view(-1, 1, 1) for values in (mean, std))
    return x.div_(255).sub_(m).div_(s)  # in place: the three operations, without two more arrays
