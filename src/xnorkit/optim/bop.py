"""Bop, the binary optimizer: it flips signs and keeps magnitudes."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError

__all__ = ["Bop"]


class Bop(torch.optim.Optimizer):
    """Flips the sign of a weight where the moving average of its gradient is strong and has the sign of the weight.

    Step: m <- (1 - gamma) m + gamma g, m starting at 0; then w <- -w where |m| >= threshold and sign(m) = sign(w), with
    sign(0) = +1 for w. Magnitudes never change: weights of +1 and -1 keep them, and for the latent weights of a binary
    layer alpha = mean |W| keeps its initial value. Note that the straight-through gradient of
    `sign_ste` is 0 where |W| >= 1: leave the weights at their small initial magnitudes, or use a binarizer with
    another clip.

    Args:
        params: the binary weights (see `split_parameters`), or groups of them.
        threshold: tau, at least 0: how strong the average must be.
        gamma: adaptivity rate, above 0 and at most 1. Each group stores it under the key `lr`, so that the
            schedulers of PyTorch anneal it, as the paper does.

    Raises:
        InputError: threshold or gamma is out of range.

    Examples:
        >>> binary, rest = split_parameters(model)
        >>> optimizer = CaseOptimizer(Bop(binary, threshold=1e-6, gamma=1e-3), torch.optim.Adam(rest, lr=1e-3))

    Source: Helwegen et al., Latent Weights Do Not Exist (NeurIPS 2019), algorithm 1. The paper has |m| > threshold, the
    authors' code |m| >= threshold. This class uses the latter, but a gradient that was always 0 never flips a weight.
    """

    def __init__(
        self, params: Iterable[nn.Parameter] | Iterable[dict[str, Any]], threshold: float = 1e-8, gamma: float = 1e-4
    ) -> None:
        if not 0 <= threshold < float("inf"):
            raise InputError(f"Bop: threshold={threshold}, but it must be a finite number of at least 0, such as 1e-8.")
        if not 0 < gamma <= 1:
            raise InputError(f"Bop: gamma={gamma}, but it must be above 0 and at most 1, such as 1e-4.")
        super().__init__(params, {"lr": gamma, "threshold": threshold})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Flip signs; return what `closure`, which computes the gradients again, returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    state = self.state[w]
                    if not state:
                        state["average"] = torch.zeros_like(w)
                    flip_(w, state["average"].lerp_(w.grad, group["lr"]), group["threshold"])
        return loss


def flip_(w: Tensor, m: Tensor, threshold: float) -> None:
    """Negate w in place where |m| >= threshold, m is not 0, and m has the sign of w."""
    flip = (m.abs() >= threshold) & (m != 0) & ((m > 0) == (w >= 0))
    # -0 would count as +0, so a weight of 0 becomes the nearest negative number that no hardware flushes to 0.
    negated = torch.where(w == 0, -torch.finfo(w.dtype).tiny, -w)
    w.copy_(torch.where(flip, negated, w))
