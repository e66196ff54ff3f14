"""The bounds that latent weights stay within."""

import torch
from torch import Tensor

__all__ = ["clamp_weights_"]


@torch.no_grad()
def clamp_weights_(w: Tensor, clip: float, closed: bool = False) -> Tensor:
    """Clamp `w` in place to (-clip, clip), or to [-clip, clip] with `closed`, and return it.

    The largest number in the open interval is the predecessor of `clip` in the dtype of `w`, 1 - 2^-24 in float32 for
    clip = 1, where the straight-through gradient 1(|w| < clip) is 1. At `clip` itself it is 0, so a weight on the
    border of the closed interval stays there until another term moves it.
    """
    bound = torch.tensor(clip, dtype=w.dtype)
    bound = bound if closed else torch.nextafter(bound, torch.zeros_like(bound))
    return w.clamp_(-bound.item(), bound.item())
