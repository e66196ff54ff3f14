"""Multiply-adds of convolutions and linear layers, without the taps that read padding."""

from collections.abc import Sequence
from math import prod

from torch import nn

__all__ = ["CONVOLUTIONS", "TRANSPOSED", "WEIGHT_LAYERS", "macs"]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHT_LAYERS = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)


def macs(layer: nn.Module, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
    """Return the multiply-adds of one call of a layer of `WEIGHT_LAYERS`.

    Args:
        layer: the layer.
        input_shape: of the call, with its batch if it has one.
        output_shape: of the call.

    A tap of a transposed convolution counts if it writes inside the output. Padding by reflection, replication or
    circulation is part of the image: all its taps count.
    """
    if isinstance(layer, nn.Linear):
        return prod(output_shape[:-1]) * layer.in_features * layer.out_features
    assert isinstance(layer, (*CONVOLUTIONS, *TRANSPOSED))
    dims = len(layer.kernel_size)
    images = prod(output_shape[: -dims - 1])
    per_tap = layer.in_channels * layer.out_channels // layer.groups
    whole, other = input_shape[-dims:], output_shape[-dims:]
    if isinstance(layer, TRANSPOSED):
        whole, other = other, whole
    # Pads before the first element, from the list (last dimension first: before, after) that torch keeps.
    before = layer._reversed_padding_repeated_twice[-2::-2]
    if layer.padding_mode != "zeros":
        return images * per_tap * prod(layer.kernel_size) * prod(other)
    taps = [
        [tap * dilation - int(pad) for tap in range(kernel)]
        for kernel, dilation, pad in zip(layer.kernel_size, layer.dilation, before, strict=True)
    ]
    return images * per_tap * prod(map(_valid, whole, other, layer.stride, taps))


def _valid(size: int, steps: int, stride: int, taps: Sequence[int]) -> int:
    """Return how many pairs (step, tap) along one axis meet an element: 0 <= step * stride + tap < size."""
    total = 0
    for tap in taps:
        first = max(0, -(tap // stride))  # ceil(-tap / stride)
        last = min(steps - 1, (size - 1 - tap) // stride)
        total += max(0, last - first + 1)
    return total
