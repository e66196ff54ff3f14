"""The flip ratio: which share of the binary weights changed sign."""

from collections.abc import Iterable

import torch
from torch import Tensor

from xnorkit.train._lightning import Metric

__all__ = ["FlipRatio"]


class FlipRatio(Metric):
    """Share of weights whose sign changed since the last look, 0 to 1; NaN before there are two looks at weights.

    `update` looks; between two `reset`s the flips of all its looks are added up. `reset` keeps the signs of the last
    look. One bool per weight is kept. sign(0) = +1, so -0 and 0 are the same. A list of weights that differs from the
    last one in number or shapes starts anew.

    Examples:
        >>> ratio = FlipRatio()
        >>> ratio.update([torch.tensor([1.0, -1.0])])
        >>> ratio.update([torch.tensor([1.0, 1.0])])
        >>> ratio.compute()
        tensor(0.5000)

    Source: the metric FlipRatio of Larq.
    """

    full_state_update = False
    higher_is_better = None
    is_differentiable = False
    changed: Tensor
    looked_at: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Every process has the same weights, so sums over processes leave the ratio what it is.
        self.add_state("changed", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("looked_at", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self._signs: list[Tensor] = []

    @torch.no_grad()
    def update(self, weights: Iterable[Tensor]) -> None:
        """Look at `weights`, the same ones each time."""
        signs = [w.detach() >= 0 for w in weights]
        if [s.shape for s in signs] == [s.shape for s in self._signs]:
            for now, before in zip(signs, self._signs, strict=True):
                self.changed += (now != before.to(now.device)).sum()
                self.looked_at += now.numel()
        self._signs = signs

    def compute(self) -> Tensor:
        """Return flips / weights looked at."""
        return (self.changed / self.looked_at).float()
