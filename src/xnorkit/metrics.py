"""Metrics of torchmetrics for binary networks."""

from xnorkit.train.metrics import FlipRatio

__all__ = ["FlipRatio"]
