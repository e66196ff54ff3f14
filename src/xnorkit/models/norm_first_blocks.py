"""The block of XNOR-Net: batch normalization before the layer, and thus before its sign, and ReLU after it."""

import torch
from torch import Tensor, nn

from xnorkit.nn import BinaryConv2d, BinaryLinear
from xnorkit.nn.compact_unit import compact_unit

__all__ = ["NormFirstConv", "NormFirstLinear"]

EPS = 1e-4


class _NormFirst(nn.Module):
    """The common parts of both blocks: dropout, and a floor for the weights of the batch normalization."""

    bn: nn.BatchNorm1d | nn.BatchNorm2d
    dropout: nn.Module

    def __init__(self, dropout: float, min_norm_weight: float | None) -> None:
        super().__init__()
        self.min_norm_weight = min_norm_weight
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def _layer(self) -> nn.Module:
        raise NotImplementedError

    @torch.no_grad()
    def project_(self) -> None:
        """Clamp the weights of the batch normalization to `min_norm_weight` in place, if the layer takes signs.

        At weight 0 a channel's bit would depend on the bias alone, and below 0 the sign would flip during training.
        The clamp follows the optimizer step and is not part of forward, which thus stays pure and traceable.
        """
        layer = self._layer()
        signs = isinstance(layer, BinaryConv2d | BinaryLinear) and not isinstance(
            layer.activation_pre_process, nn.Identity
        )
        if self.min_norm_weight is not None and signs:
            self.bn.weight.clamp_(min=self.min_norm_weight)


class NormFirstConv(_NormFirst):
    """Returns relu(conv(dropout(bn(x)))): (N, C_in, H, W) -> (N, C_out, H_out, W_out).

    A binary convolution takes the sign of the batch normalization's output.

    Args:
        in_channels, out_channels, kernel_size, stride, padding: the arguments of the convolution.
        dropout: the fraction of the values that training drops; `binarize_` moves it after the sign.
        min_norm_weight: the floor for the weights of the batch normalization before a sign; None for no floor.
        relu: whether a ReLU follows.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), figure 3, and jiecaoyu/XNOR-Net-PyTorch for the ReLU and the floor.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dropout: float = 0.0,
        min_norm_weight: float | None = None,
        relu: bool = True,
    ) -> None:
        super().__init__(dropout, min_norm_weight)
        self.bn = nn.BatchNorm2d(in_channels, eps=EPS)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)
        self.relu = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H_out, W_out)."""
        if isinstance(self.dropout, nn.Identity):
            return compact_unit(self.bn, self.conv, self.relu, x)
        return self.relu(self.conv(self.dropout(self.bn(x))))

    def _layer(self) -> nn.Module:
        return self.conv


class NormFirstLinear(_NormFirst):
    """Returns relu(linear(dropout(flatten(bn(x))))): (N, in_features) or (N, C, H, W) -> (N, out_features).

    Args:
        in_features, out_features: the arguments of the linear layer.
        channels: C, to normalize per channel before flattening in (C, H, W) order; None normalizes per feature.
        dropout, min_norm_weight: as in `NormFirstConv`.

    Source: as `NormFirstConv`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        channels: int | None = None,
        dropout: float = 0.0,
        min_norm_weight: float | None = None,
    ) -> None:
        super().__init__(dropout, min_norm_weight)
        self.bn = nn.BatchNorm1d(in_features, eps=EPS) if channels is None else nn.BatchNorm2d(channels, eps=EPS)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(in_features, out_features)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_features)."""
        return self.relu(self.linear(self.dropout(self.flatten(self.bn(x)))))

    def _layer(self) -> nn.Module:
        return self.linear
