"""`bnn.models`: ResNets with a choice of residual block, which is the first argument."""

from collections.abc import Callable
from typing import Any

from torch import nn

from xnorkit import models

__all__ = ["resnet18", "resnet34"]


def resnet18(block_type: Callable[..., nn.Module] | None = None, **kwargs: Any) -> nn.Module:
    """Return `xnorkit.models.resnet18`; own blocks take (in_channels, out_channels, stride, activation)."""
    return models.resnet18(block_type=block_type or "basic", **kwargs)


def resnet34(block_type: Callable[..., nn.Module] | None = None, **kwargs: Any) -> nn.Module:
    """Return `xnorkit.models.resnet34`; all else as in `resnet18`."""
    return models.resnet34(block_type=block_type or "basic", **kwargs)
