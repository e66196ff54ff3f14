"""What training counts: loss and hits of the images of a split, and the share of binary weights that changed sign."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from xnorkit.train._lightning import Metric

__all__ = ["Figures", "FlipRatio", "Tally", "ranks"]


@dataclass(frozen=True)
class Figures:
    """Mean loss, and the share of images whose label is the best, or among the five best, of the logits."""

    loss: float
    top1: float
    top5: float
    images: int


class Tally:
    """Adds up loss and hits on the device of the logits; nothing is read back before `figures`.

    Not a metric of torchmetrics: these leave open how equal logits rank, which networks of few bits often have.
    """

    def __init__(self) -> None:
        self.sums: Tensor | None = None

    def reset(self) -> None:
        """Start over."""
        self.sums = None

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: mean loss (), logits (N, classes), labels (N,) or soft labels (N, classes)."""
        classes = labels if labels.dim() == 1 else labels.argmax(1)
        rank = ranks(logits, classes)
        count = len(logits)
        # MPS has no float64; float32 counts exactly up to 2^24 images.
        dtype = torch.float32 if logits.device.type == "mps" else torch.float64
        hits = torch.stack(((rank < 1).sum(), (rank < 5).sum())).to(dtype)
        batch = torch.cat((loss.detach().to(dtype).reshape(1) * count, hits, hits.new_full((1,), count)))
        self.sums = batch if self.sums is None else self.sums + batch

    def figures(self, reduce: Callable[[Tensor], Tensor] | None = None) -> Figures:
        """Return the means; `reduce` adds the sums of several processes. NaN if nothing was added."""
        sums = torch.zeros(4, dtype=torch.float64) if self.sums is None else self.sums
        loss, top1, top5, count = (reduce(sums) if reduce else sums).tolist()
        count = count or float("nan")
        return Figures(loss / count, top1 / count, top5 / count, 0 if math.isnan(count) else int(count))


def ranks(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the rank (N,) of each label among the logits (N, classes), 0 the best; equal logits rank by class."""
    mine = logits.gather(1, labels[:, None])
    before = torch.arange(logits.shape[1], device=logits.device) < labels[:, None]
    return ((logits > mine) | ((logits == mine) & before)).sum(1)


class FlipRatio(Metric):
    """Share of weights whose sign changed since the last look, 0 to 1; NaN before there are two looks at weights.

    `update` looks; between two `reset`s the flips of all its looks are added up. `reset` keeps the signs of the last
    look. One bool per weight is kept. sign(0) = +1, so -0 and 0 are the same. A list of weights that differs from the
    last one in number or shapes starts over.

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
