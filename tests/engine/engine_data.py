# ruff: noqa: PLR0917 - a method takes what its operation takes
"""Packing in NumPy, written apart from the engine, and the parity oracle in torch."""

from typing import NamedTuple

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


class Geometry(NamedTuple):
    """A window; padding: top, left, bottom, right."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def attributes(self, *more):
        """Those of an operation: the window's own, and the names in `more`."""
        return {name: getattr(self, name) for name in ("kernel", "stride", "padding", *more)}


class Program(_engine.Program):
    """A program with a method per operation, for tests that make many calls: each calls `add` with a node's names."""

    def float_conv2d(self, source, weight, bias, geometry):
        return self.add(
            "float_conv2d", [source], self.conv(source, len(weight), geometry), {"weight": weight, "bias": bias}
        )

    def binary_weight_conv2d(self, source, weight, out_channels, geometry, scale, bias):
        tensors = {"weight": weight, "scale": scale, "bias": bias}
        return self.add("binary_weight_conv2d", [source], self.conv(source, out_channels, geometry), tensors)

    def int8_conv2d_i32(self, source, weight, zero_point, bias, geometry, epilogue="integers", **tensors):
        attributes = {**self.conv(source, len(weight), geometry), "epilogue": epilogue}
        return self.add(
            "int8_conv2d", [source], attributes, dict(weight=weight, zero_point=zero_point, bias=bias, **tensors)
        )

    def int8_conv2d_f32(self, source, weight, zero_point, bias, geometry, scale):
        return self.int8_conv2d_i32(source, weight, zero_point, bias, geometry, "float", scale=scale)

    def int8_conv2d_bits(self, source, weight, zero_point, bias, geometry, threshold, flip):
        return self.int8_conv2d_i32(source, weight, zero_point, bias, geometry, "bits", threshold=threshold, flip=flip)

    def binary_conv2d_i32(self, source, weight, out_channels, geometry, epilogue="integers", **tensors):
        attributes = {**self.conv(source, out_channels, geometry), "epilogue": epilogue}
        return self.add("binary_conv2d", [source], attributes, {"weight": weight, **tensors})

    def binary_conv2d_f32(self, source, weight, out_channels, geometry, scale, bias):
        return self.binary_conv2d_i32(source, weight, out_channels, geometry, "float", scale=scale, bias=bias)

    def binary_conv2d_bits(self, source, weight, out_channels, geometry, threshold, flip):
        return self.binary_conv2d_i32(source, weight, out_channels, geometry, "bits", threshold=threshold, flip=flip)

    def pack(self, source, threshold, flip):
        return self.add("pack", [source], {}, {"threshold": threshold, "flip": flip})

    def quantize_u8(self, source, scale, zero_point):
        return self.add("quantize_u8", [source], {"scale": scale, "zero_point": zero_point})

    def max_pool_bits(self, source, geometry, falling):
        return self.add("max_pool_bits", [source], geometry.attributes(), {"falling": falling})

    def max_pool(self, source, geometry):
        return self.add("max_pool", [source], geometry.attributes("dilation"))

    def avg_pool(self, source, geometry, ceil_mode=False, count_include_pad=True):
        attributes = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
        return self.add("avg_pool", [source], {**geometry.attributes(), **attributes})

    def global_avg_pool(self, source):
        return self.add("global_avg_pool", [source])

    def k_map(self, source, geometry):
        return self.add("k_map", [source], geometry.attributes("dilation"))

    def affine(self, source, scale, bias):
        tensors = {"scale": scale, "bias": bias}
        return self.add("affine", [source], {}, {role: array for role, array in tensors.items() if array is not None})

    def clip(self, source, low, high):
        return self.add(
            "clip", [source], {"min": None if np.isinf(low) else low, "max": None if np.isinf(high) else high}
        )

    def prelu(self, source, slope):
        return self.add("prelu", [source], {}, {"slope": slope})

    def activation(self, source, function):
        return self.add("activation", [source], {"function": function})

    def pad(self, source, padding, before=0, after=0):
        return self.add("pad", [source], {"padding": padding, "channels": (before, after)})

    def pad_bits(self, source, padding):
        return self.add("pad_bits", [source], {"padding": padding})

    def gather_channels(self, source, index):
        return self.add("gather_channels", [source], {"out_channels": len(index)}, {"index": index})

    def concat(self, sources):
        return self.add("concat", sources)

    def planes(self, source):
        return self.add("planes", [source])

    def conv(self, source, out_channels, geometry):
        channels = {"in_channels": self.info(source).channels, "out_channels": out_channels}
        return {**geometry.attributes("dilation", "groups"), **channels}


def one_step(kind: str, shape: tuple[int, int, int], isa: str, method: str, *arguments: object) -> Program:
    """A finished program of one operation on its input."""
    program = Program(kind, *shape, isa=isa)
    program.finish([getattr(program, method)(0, *arguments)])
    return program
