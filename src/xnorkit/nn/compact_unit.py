"""Batch normalization, activation and pooling next to layers that train on bits: keeps bytes and bits, not floats.

For every value, a float network keeps three floats for its backward pass: the input of a normalization, the input of a
layer and the result of a ReLU. Here they become

    z = (x - mean) / std    a byte, in steps of 1/8 within +-127/8, instead of x
    sign and |.| < clip     two bits (`xnorkit.nn._packed`)
    y > 0                   a bit

and an average pooling keeps nothing. The modules themselves compute the forward pass. With g = dC/dy of
y = weight z + bias, the normalization's gradients are

    dC/dbias = sum g,  dC/dweight = sum g z,  dC/dx = weight / std (g - mean g - z mean(g z)),

exact except for z, which is off by at most 1/16 where |z| < 16: engine/include/xnorkit/training.h has the bound. The
others are exact. Modules with hooks, and modules other than those named, are called unchanged.
"""

from typing import Any

import torch
from torch import Tensor, nn

from xnorkit import _engine
from xnorkit.nn._checks import is_bare
from xnorkit.nn._latent import LatentWeight
from xnorkit.nn._packed import channels_last, first_order, words

__all__ = ["compact_shortcut", "compact_stem", "compact_unit"]


def compact_unit(norm: nn.Module, layer: nn.Module, activation: nn.Module, x: Tensor) -> Tensor:
    """Return activation(layer(norm(x))), the modules' own values; compact where `layer` trains on bits.

    Args:
        norm: the module before the layer.
        layer: a binary layer, or any other.
        activation: the module after the layer.
        x: (N, C, H, W), or whatever the modules take.
    """
    if not _on_bits(layer, x):
        return activation(layer(norm(x)))
    return _activated(activation, layer(_normalized(norm, x)))


def compact_stem(norm: nn.Module, activation: nn.Module, network: nn.Module, x: Tensor) -> Tensor:
    """Return activation(norm(x)) before the layers of `network`; compact if the first binary one trains on bits."""
    first = next((module for module in network.modules() if isinstance(module, LatentWeight)), None)
    if first is None or not _on_bits(first, x):
        return activation(norm(x))
    return _activated(activation, _normalized(norm, x))


def compact_shortcut(shortcut: nn.Module, layer: nn.Module, x: Tensor) -> Tensor:
    """Return shortcut(x) around `layer`; its normalization and pooling are compact if the layer trains on bits.

    Args:
        shortcut: a `Sequential` of average pooling, layer, normalization, in any order; or any module.
        layer: the layer that the shortcut goes around.
        x: input of both.
    """
    if not (_on_bits(layer, x) and _is_plain(shortcut, nn.Sequential)):
        result: Tensor = shortcut(x)
        return result
    assert isinstance(shortcut, nn.Sequential)
    for module in shortcut:
        x = _pooled(module, x) if _is_plain(module, nn.AvgPool2d) else _normalized(module, x)
    return x


def _on_bits(layer: nn.Module, x: Tensor) -> bool:
    return torch.is_grad_enabled() and isinstance(layer, LatentWeight) and layer.runs_on_bits(x) and x.dim() == 4


def _is_plain(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Return whether a call does only what the class does."""
    return type(module) is kind and is_bare(module)


def _is_image(x: Tensor) -> bool:
    """Return whether x is (N, C, H, W) of float32; processes after a layer may change this."""
    return x.dim() == 4 and x.dtype == torch.float32


def _normalized(norm: Any, x: Tensor) -> Tensor:
    """Return norm(x); compact for a BatchNorm2d with weights and running statistics, in training."""
    plain = (
        _is_plain(norm, nn.BatchNorm2d)
        and norm.training
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and _is_image(x)
        and norm.weight.dtype == torch.float32
        and x.numel() > x.shape[1]  # for one value per channel the module refuses to compute statistics
    )
    y: Tensor
    if not plain:
        y = norm(x)
        return y
    norm.num_batches_tracked.add_(1)
    y = _CompactNorm.apply(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.momentum, norm.eps)
    return y


def _activated(activation: nn.Module, x: Tensor) -> Tensor:
    if not (_is_plain(activation, nn.ReLU) and _is_image(x)):
        return activation(x)
    assert isinstance(activation, nn.ReLU)
    y: Tensor = _CompactReLU.apply(x, activation.inplace)
    return y


def _pooled(pool: Any, x: Tensor) -> Tensor:
    sizes = ((size, size) if isinstance(size, int) else size for size in (pool.kernel_size, pool.stride, pool.padding))
    y: Tensor = _CompactPool.apply(x, *sizes, pool.ceil_mode, pool.count_include_pad, pool.divisor_override)
    return y


class _CompactNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, *others: Any) -> Tensor:
        bias, running_mean, running_var, momentum, eps = others
        y, mean, inverse_std = torch.native_batch_norm(x, weight, bias, running_mean, running_var, True, momentum, eps)
        pixels = _rows(x)
        kept = torch.empty_like(pixels, dtype=torch.int8)
        _engine.norm_keep(pixels.numpy(), mean.numpy(), inverse_std.numpy(), kept.numpy(), torch.get_num_threads())
        ctx.save_for_backward(kept, weight, inverse_std)
        return y

    @staticmethod
    @first_order
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        kept, weight, inverse_std = ctx.saved_tensors
        g = grads[0]
        to_x = torch.empty_like(g, memory_format=torch.channels_last)
        to_weight, to_bias = torch.empty_like(weight), torch.empty_like(weight)
        _engine.norm_gradient(
            _rows(g).numpy(),
            kept.numpy(),
            weight.detach().numpy(),
            inverse_std.numpy(),
            _rows(to_x).numpy(),
            to_weight.numpy(),
            to_bias.numpy(),
            torch.get_num_threads(),
        )
        return to_x, to_weight, to_bias, None, None, None, None


class _CompactReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, inplace: bool) -> Tensor:
        kept = x.new_empty(-(-x.numel() // 32), dtype=torch.int32)
        pixels = _rows(x)
        is_copy = pixels.data_ptr() != x.data_ptr()
        y = pixels if inplace or is_copy else torch.empty_like(pixels)
        _engine.relu_keep(pixels.numpy(), words(kept), y.numpy(), torch.get_num_threads())
        ctx.save_for_backward(kept)
        image = y.reshape(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)
        if inplace:
            ctx.mark_dirty(x)
            return x.copy_(image) if is_copy else x
        return image.contiguous() if is_copy else image

    @staticmethod
    @first_order
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        to_x = torch.empty_like(grads[0], memory_format=torch.channels_last)
        _engine.relu_gradient(_rows(grads[0]).numpy(), words(kept), _rows(to_x).numpy(), torch.get_num_threads())
        return to_x, None


class _CompactPool(torch.autograd.Function):
    """The gradient of an average needs only the shape of its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *options: Any) -> Tensor:
        ctx.shape, ctx.options = x.shape, options
        return torch.ops.aten.avg_pool2d(x, *options)

    @staticmethod
    @first_order
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        g = grads[0]
        unread = torch.empty(ctx.shape, dtype=g.dtype, device=g.device, memory_format=torch.channels_last)
        to_x = torch.ops.aten.avg_pool2d_backward(g, unread, *ctx.options)
        return (to_x, *(None for _ in ctx.options))


def _rows(x: Tensor) -> Tensor:
    """Return (N, C, H, W) as contiguous (N * H * W, C), without a copy from channels-last memory."""
    return channels_last(x).reshape(-1, x.shape[1])
