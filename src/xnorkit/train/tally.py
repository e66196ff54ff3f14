"""Sums over the images of a split: loss and hits."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Figures", "Tally", "ranks"]


@dataclass(frozen=True)
class Figures:
    """Mean loss, and the share of images whose label is the best, or among the five best, of the logits."""

    loss: float
    top1: float
    top5: float
    images: int


class Tally:
    """Adds up loss and hits on the device of the logits; nothing is read back before `figures`."""

    def __init__(self) -> None:
        self.sums: Tensor | None = None

    def reset(self) -> None:
        """Begin anew."""
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
