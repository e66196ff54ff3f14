"""Projection of latent weights after a step."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from xnorkit.errors import InputError
from xnorkit.functional import center_, clamp_weights_

__all__ = ["WeightProjection"]


class WeightProjection:
    """Centres latent weights over their input channels, then clips them, in place.

    Centring: W <- W - mean of W over dimension 1; weights with one input channel are skipped, because they would
    become 0. Clipping: into (-clip, clip), or [-clip, clip] with `closed`; from 1 on the straight-through gradient is
    0, and a weight could hardly come back.

    Args:
        params: the latent weights, such as the first list of `split_parameters`.
        clip: bound, above 0; None does not clip.
        center: whether to centre.
        closed: clip to the bound itself, see `xnorkit.functional.clamp_weights_`.

    Raises:
        InputError: clip is not above 0.

    Examples:
        >>> optimizer.register_step_post_hook(WeightProjection(split_parameters(model)[0], center=True))

    Source: the order of XNOR-Net-PyTorch, which does this before each forward pass instead.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], clip: float | None = 1.0, center: bool = False, closed: bool = False
    ) -> None:
        if clip is not None and not clip > 0:
            raise InputError(f"WeightProjection: clip={clip}, but it must be above 0, or None.")
        self.params, self.clip, self.center, self.closed = list(params), clip, center, closed

    @torch.no_grad()
    def __call__(self, *_hook_arguments: Any) -> None:
        """Project the weights; the arguments that PyTorch passes to a step hook are not used."""
        for w in self.params:
            if self.center and w.dim() > 1 and w.shape[1] > 1:
                center_(w)
            if self.clip is not None:
                clamp_weights_(w, self.clip, self.closed)
