"""What an engine with int32 sums does, in NumPy, from the numbers that an integer layer would export."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from xnorkit.nn.integer import IntegerLayer, QuantConv2d

Array = NDArray[np.generic]


def sums(layer: IntegerLayer, u: NDArray[np.uint8], q: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return the int32 sums of a layer for uint8 input u; padding is the zero point, which subtracts to nothing."""
    zero = layer.input_quantizer.zero_point().detach().numpy().astype(np.int32)
    bias = layer.integer_bias().numpy()
    d = u.astype(np.int32) - zero
    if isinstance(layer, QuantConv2d):
        return conv(layer, u, q, zero) + bias[:, None, None]
    return d @ q.astype(np.int32).T + bias


def conv(layer: nn.Conv2d, u: NDArray[np.uint8], q: NDArray[np.int8], zero: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the int32 convolution, the image padded with uint8 zero points first, as an engine would."""
    left, right, top, bottom = layer._reversed_padding_repeated_twice
    n, channels, height, width = u.shape
    padded = np.empty((n, channels, height + top + bottom, width + left + right), np.uint8)
    padded[:] = np.broadcast_to(zero.astype(np.uint8), (channels, 1, 1))
    padded[:, :, top : top + height, left : left + width] = u
    (sy, sx), (dy, dx), (kh, kw) = layer.stride, layer.dilation, q.shape[2:]
    oh = (padded.shape[2] - dy * (kh - 1) - 1) // sy + 1
    ow = (padded.shape[3] - dx * (kw - 1) - 1) // sx + 1
    out = np.zeros((n, len(q), oh, ow), np.int32)
    per_out, per_in = len(q) // layer.groups, channels // layer.groups
    for o in range(len(q)):
        for c in range(per_in):
            source = c + o // per_out * per_in
            offset = zero.ravel()[source if zero.size > 1 else 0]
            for i in range(kh):
                for j in range(kw):
                    taps = padded[:, source, i * dy : i * dy + oh * sy : sy, j * dx : j * dx + ow * sx : sx]
                    out[:, o] += np.int32(q[o, c, i, j]) * (taps[:, :oh, :ow].astype(np.int32) - np.int32(offset))
    return out
