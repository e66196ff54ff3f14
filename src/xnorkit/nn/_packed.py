"""A convolution of signs in the engine: bits forward, signed sums backward, and bits kept in between.

For y = scale * conv(s, b) + bias with s = sign(u), whose gradient passes where |u| < clip, and g = dC/dy:

    y         xor and popcount of bits: the integers of the simulated path, and its roundings
    dC/du     1(|u| < clip) conv_input(scale * g, b)   from the bits of b, g rounded to 10 bits per image
    G         conv_weight(g, s)                        from the bits of s, g rounded to 10 bits per filter
    dC/db     scale * G
    dC/dscale <G, b>, the sum over each filter

Dropout after the sign is half the sum of two products of signs: s m = (s + s') / 2, where s' is -s where dropped, that
is, the words of s with some bits flipped. The same holds for the weights' gradient; the input's gradient is restricted
to kept positions. The dropped signs are drawn 32 at a time, so the simulated path drops others with the same seed.

For the backward pass, two bits per activation, three with dropout, and one bit per weight are kept. engine/src/training
derives the sums and their error; docs/training-speed.md says when this path is taken.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit import _engine
from xnorkit.errors import InputError

__all__ = ["ConvOfSigns", "channels_last", "dropped_words", "first_order", "packed_conv", "words"]

Shape = tuple[int, int, int, int]


Backward = Callable[..., Any]


def first_order(backward: Backward) -> Backward:
    """Return a backward pass without gradients of its own; it raises InputError if they are requested.

    `torch.autograd.function.once_differentiable` raises only if the second backward pass reaches it; code that requests
    the gradients of some tensors, such as `torch.autograd.functional.hvp`, would silently get zeros.
    """

    @wraps(backward)
    def checked(ctx: Any, *grads: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise InputError(
                "backward pass on bits: create_graph=True, but it must be a first derivative, because rounded sums "
                "have no gradient. Set XNORKIT_TRAIN=simulated for higher derivatives."
            )
        return backward(ctx, *grads)

    return checked


@dataclass(frozen=True)
class ConvOfSigns:
    """Stride, padding on both sides, dilation, each (height, width), and groups."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def plan(self, image: Shape, filters: Shape) -> _engine.SignConv:
        """Return the engine's convolution of an image (N, H, W, C) with filters (O, KH, KW, C / groups)."""
        padding = (*self.padding, *self.padding)
        geometry = _engine.ConvGeometry(filters[1:3], self.stride, padding, self.dilation, self.groups)
        return _engine.SignConv(image, filters[0], geometry)


def packed_conv(  # noqa: PLR0917 - the order of torch.nn.functional.conv2d
    u: Tensor, b: Tensor, scale: Tensor | None, bias: Tensor | None, clip: float, drop: float, geometry: ConvOfSigns
) -> Tensor:
    """Return scale * conv(s, b) + bias, (N, O, OH, OW), in channels-last memory where `u` or `b` is.

    s = sign(u); with `drop` p, s = sign(u) m / (1 - p), where m is 0 at probability p, else 1.

    Args:
        u: (N, C, H, W) float32 on the CPU; its gradient passes where |u| < clip.
        b: (O, C / groups, KH, KW) of +1 and -1, float32.
        scale: (O,), or None for ones.
        bias: (O,), or None for zeros.
        clip: above 0; `math.inf` lets every gradient pass.
        drop: p, 0 or such that 1 / (1 - p) is a power of 2.
        geometry: stride, padding, dilation and groups.
    """
    scale, bias = (None if x is None else x.to(torch.float32).contiguous() for x in (scale, bias))
    return _PackedConv.apply(u, b, scale, bias, clip, drop, geometry)


class _PackedConv(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917 - as `packed_conv`
        ctx: Any,
        u: Tensor,
        b: Tensor,
        scale: Tensor | None,
        bias: Tensor | None,
        clip: float,
        drop: float,
        geometry: ConvOfSigns,
    ) -> Tensor:
        threads = torch.get_num_threads()
        pixels, filters = channels_last(u), channels_last(b)
        ctx.image, ctx.filters = _shape(pixels), _shape(filters)
        ctx.conv = geometry.plan(ctx.image, ctx.filters)
        signs, inside = _pack(pixels, clip if ctx.needs_input_grad[0] else None, threads)
        weights, _ = _pack(filters, None, threads)
        scales = b.new_ones(len(b)) if scale is None else scale.detach()
        shifts = b.new_zeros(len(b)) if bias is None else bias.detach()
        flipped, ctx.gain = None, 1 / (1 - drop)
        if drop:
            dropped = dropped_words(signs.shape, drop)
            if ctx.image[-1] % 32:
                dropped[..., -1] &= (1 << ctx.image[-1] % 32) - 1  # bits beyond the channels stay 0
            flipped = signs ^ dropped
            inside = ~dropped if inside is None else inside & ~dropped
            y = _product(ctx.conv, signs, weights, threads).add_(_product(ctx.conv, flipped, weights, threads))
            y.mul_(ctx.gain / 2).mul_(scales[:, None, None]).add_(shifts[:, None, None])
        elif math.isfinite((scales + shifts).sum().item()):
            y = _product(ctx.conv, signs, weights, threads, scales=scales, shifts=shifts)
        else:  # the engine accepts neither NaN nor infinity
            y = _product(ctx.conv, signs, weights, threads).mul_(scales[:, None, None]).add_(shifts[:, None, None])
        ctx.save_for_backward(signs, flipped, inside, weights, scales)
        return y if _is_channels_last(u) or _is_channels_last(b) else y.contiguous()

    @staticmethod
    @first_order
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        signs, flipped, inside, weights, scales = ctx.saved_tensors
        needs_u, needs_b, needs_scale, needs_bias, *_ = ctx.needs_input_grad
        threads = torch.get_num_threads()
        g = channels_last(grads[0])
        to_u = to_b = to_scale = None
        if needs_u:
            to_u = _empty(ctx.image)
            between = None if inside is None else words(inside)
            _engine.sign_conv_input_gradient(
                ctx.conv, g.numpy(), words(weights), (scales * ctx.gain).numpy(), between, _pixels(to_u), threads
            )
        if needs_b or needs_scale:
            filters = _empty(ctx.filters)
            _engine.sign_conv_weight_gradient(ctx.conv, g.numpy(), words(signs), _pixels(filters), threads)
            if flipped is not None:
                others = _empty(ctx.filters)
                _engine.sign_conv_weight_gradient(ctx.conv, g.numpy(), words(flipped), _pixels(others), threads)
                filters.add_(others).mul_(ctx.gain / 2)
            to_b = filters * scales.reshape(-1, 1, 1, 1)
            if needs_scale:
                to_scale = (filters * _unpack(weights, ctx.filters[-1])).sum((1, 2, 3))
        to_bias = g.reshape(-1, g.shape[-1]).sum(0) if needs_bias else None
        return to_u, to_b, to_scale, to_bias, None, None, None


def _shape(pixels: Tensor) -> Shape:
    n, height, width, channels = pixels.shape
    return n, height, width, channels


def _product(
    conv: _engine.SignConv,
    signs: Tensor,
    weights: Tensor,
    threads: int,
    *,
    scales: Tensor | None = None,
    shifts: Tensor | None = None,
) -> Tensor:
    """Return conv(signs, weights) * scales + shifts (N, O, OH, OW) in channels-last memory."""
    y = _empty(conv.output)
    scales = torch.ones(len(weights), dtype=y.dtype, device="cpu") if scales is None else scales
    shifts = torch.zeros_like(scales) if shifts is None else shifts
    _engine.sign_conv(conv, words(signs), words(weights), scales.numpy(), shifts.numpy(), _pixels(y), threads)
    return y


def dropped_words(shape: Sequence[int], drop: float) -> Tensor:
    """Return int32 words of random bits, 1 at probability `drop` = 1 - 2^-k, from PyTorch's generator.

    A word is the union of k words of fair bits: a draw gives 32 bits, whereas `torch.nn.functional.dropout` draws one.
    """
    draws = round(-math.log2(1 - drop))
    result = torch.zeros(*shape, dtype=torch.int32, device="cpu")
    for _ in range(draws):
        result |= torch.randint(-(2**31), 2**31, result.shape, dtype=torch.int32, device="cpu")
    return result


def channels_last(x: Tensor) -> Tensor:
    """Return x (N, C, H, W) as contiguous (N, H, W, C)."""
    return x.detach().permute(0, 2, 3, 1).contiguous()


def _is_channels_last(x: Tensor) -> bool:
    """Return whether x (N, C, H, W) is in channels-last memory and not also in the usual order."""
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _empty(shape: Shape) -> Tensor:
    """Return a new tensor (N, C, H, W) in channels-last memory for the shape (N, H, W, C)."""
    n, height, width, channels = shape
    size, order = (n, channels, height, width), torch.channels_last
    return torch.empty(size, dtype=torch.float32, device="cpu", memory_format=order)


def _pixels(x: Tensor) -> NDArray[np.float32]:
    """Return the memory of a channels-last tensor (N, C, H, W) as (N, H, W, C)."""
    pixels: NDArray[np.float32] = x.permute(0, 2, 3, 1).numpy()
    return pixels


def words(bits: Tensor) -> NDArray[np.uint32]:
    """Return int32 words, which PyTorch can keep, as the engine's uint32."""
    return bits.numpy().view(np.uint32)


def _pack(x: Tensor, clip: float | None, threads: int) -> tuple[Tensor, Tensor | None]:
    """Return the words (..., ceil(C / 32)) of x < 0, and of |x| < clip unless that is None or infinite."""
    channels = x.shape[-1]
    shape = (*x.shape[:-1], -(-channels // 32))
    signs = x.new_empty(shape, dtype=torch.int32)
    inside = None if clip is None or clip == float("inf") else torch.empty_like(signs)
    rows = (-1, shape[-1])
    _engine.pack_signs(
        x.reshape(-1, channels).numpy(),
        1.0 if clip is None else clip,
        words(signs.reshape(rows)),
        None if inside is None else words(inside.reshape(rows)),
        threads,
    )
    return signs, inside


def _unpack(words: Tensor, channels: int) -> Tensor:
    """Return +1 and -1 (O, channels, KH, KW) of words (O, KH, KW, ...)."""
    bits = np.unpackbits(words.numpy().view(np.uint8), axis=-1, count=channels, bitorder="little")
    return torch.from_numpy(bits).to(torch.float32).mul_(-2).add_(1).permute(0, 3, 1, 2)
