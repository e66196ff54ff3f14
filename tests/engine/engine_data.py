"""Packing in NumPy, written apart from the engine, and the parity oracle in torch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv2d, pad

from xnorkit import _engine

Array = NDArray[np.generic]


def random_signs(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.choice(np.array([-1.0, 1.0], np.float32), shape)


def pack_pixels(signs: Array) -> NDArray[np.uint32]:
    """(..., C) signs to (..., ceil(C/32)) words."""
    channels = signs.shape[-1]
    words = -(-channels // 32)
    bits = np.zeros((*signs.shape[:-1], words * 32), np.uint8)
    bits[..., :channels] = signs < 0
    return np.packbits(bits, axis=-1, bitorder="little").view("<u4").astype(np.uint32)


def unpack_pixels(words: Array, channels: int) -> NDArray[np.float32]:
    """(..., words) to (..., C) signs; the padding bits must be 0."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")
    assert not bits[..., channels:].any(), "padding bits"
    return np.where(bits[..., :channels], np.float32(-1), np.float32(1))


def pack_filters(signs: Array) -> NDArray[np.uint8]:
    """(O, KH, KW, I) signs to (O, ceil(KH*KW*I/8)) bytes."""
    return np.packbits((signs < 0).reshape(len(signs), -1), axis=-1, bitorder="little")


def torch_conv(
    image: Array,
    weight: Array,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    dilation: tuple[int, int] = (1, 1),
) -> Array:
    """Zero-padded convolution of (N, H, W, I) with (O, KH, KW, I), by torch, as (N, OH, OW, O)."""
    top, left, bottom, right = padding
    source = pad(torch.tensor(image).permute(0, 3, 1, 2), (left, right, top, bottom))
    out = conv2d(source, torch.tensor(weight).permute(0, 3, 1, 2), stride=stride, dilation=dilation)
    return out.permute(0, 2, 3, 1).contiguous().numpy()


def one_step(kind: str, shape: tuple[int, int, int], isa: str, method: str, *arguments: object) -> _engine.Program:
    """A finished program of one operation on its input."""
    program = _engine.Program(kind, *shape, isa=isa)
    program.finish([getattr(program, method)(0, *arguments)])
    return program
