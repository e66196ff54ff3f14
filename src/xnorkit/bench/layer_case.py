"""One layer with random data, its exact answer, and xnorkit's programs for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xnorkit import _engine
from xnorkit.bench.shapes import LayerShape
from xnorkit.errors import EngineError

__all__ = ["REFERENCE", "LayerCase", "Layout", "Run", "as_words", "sum_of_taps"]

Layout = Literal["nchw", "nhwc"]
Run = Callable[[int], list[NDArray[np.generic]]]
REFERENCE = "reference"


@dataclass(frozen=True)
class LayerCase:
    """Data of one layer, batch 1, from a fixed seed.

    For a binary layer x and weight are +1 and -1, so that every engine, whatever its arithmetic, has the same exact
    sums; a float layer has normal random numbers. truth: instruction set whose answer is the exact one.
    """

    shape: LayerShape
    truth: str = REFERENCE

    @cached_property
    def x(self) -> NDArray[np.float32]:
        """(1, C_in, H, W)."""
        return self._draw(0, (1, self.shape.in_channels, *self.shape.image))

    @cached_property
    def weight(self) -> NDArray[np.float32]:
        """(C_out, C_in / groups, KH, KW)."""
        shape = self.shape
        return self._draw(1, (shape.out_channels, shape.in_channels // shape.groups, *shape.kernel))

    @cached_property
    def threshold(self) -> NDArray[np.int32]:
        """(C_out,): an output bit is 1, that is -1, where the dot is smaller."""
        return np.random.default_rng(2).integers(-8, 9, self.shape.out_channels).astype(np.int32)

    @cached_property
    def scale(self) -> NDArray[np.float32]:
        """(C_out,): what a binary layer's dots are multiplied with where it gives float32."""
        return np.random.default_rng(3).uniform(0.5, 2, self.shape.out_channels).astype(np.float32)

    @cached_property
    def bias(self) -> NDArray[np.float32]:
        """(C_out,)."""
        return np.random.default_rng(4).standard_normal(self.shape.out_channels).astype(np.float32)

    @cached_property
    def answer(self) -> NDArray[np.float32]:
        """(1, C_out, OH, OW) by the truth: dots * scale + bias of a binary layer, sums + bias of a float one."""
        values = self.float_run(self.truth, "nhwc")(1)[0]
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2)).astype(np.float32)

    @cached_property
    def answer_bits(self) -> NDArray[np.uint32]:
        """(1, OH, OW, words): thresholded bits of a binary layer by the truth."""
        return self.bits_run(self.truth)(1)[0].astype(np.uint32)

    def bits_run(self, isa: str) -> Run:
        """Return a call of the binary layer, bits in and thresholded bits out, that takes the number of threads."""
        shape = self.shape
        program = self._program("bits", isa)
        tensors: dict[str, NDArray[Any]] = {
            "weight": _pack_filters(self.weight),
            "threshold": self.threshold,
            "flip": np.zeros(shape.out_channels, dtype=np.uint8),
        }
        attributes = {**self._attributes(), "epilogue": "bits"}
        self._finish(program, lambda: program.add("binary_conv2d", [0], attributes, tensors))
        words = as_words(self.x)
        return lambda threads: program.run(words, threads)

    def float_run(self, isa: str, layout: Layout) -> Run:
        """Return a call from float32 images of a layout to float32; a binary layer packs signs first.

        A binary layer's result has the layout of its images, a float layer's is (N, H, W, C).
        """
        shape = self.shape
        program = self._program("image" if layout == "nchw" else "f32", isa)
        self._finish(program, lambda: self._add_binary(program, layout) if shape.binary else self._add_float(program))
        images = self.x if layout == "nchw" else np.ascontiguousarray(self.x.transpose(0, 2, 3, 1))
        return lambda threads: program.run(images, threads)

    def _add_binary(self, program: _engine.Program, layout: Layout) -> int:
        channels = self.shape.in_channels
        zeros: dict[str, NDArray[Any]] = {
            "threshold": np.zeros(channels, np.float32),
            "flip": np.zeros(channels, np.uint8),
        }
        signs = program.add("pack", [0], {}, zeros)
        tensors: dict[str, NDArray[Any]] = {
            "weight": _pack_filters(self.weight),
            "scale": self.scale,
            "bias": self.bias,
        }
        y = program.add("binary_conv2d", [signs], {**self._attributes(), "epilogue": "float"}, tensors)
        return program.add("planes", [y]) if layout == "nchw" else y

    def _add_float(self, program: _engine.Program) -> int:
        weight = np.ascontiguousarray(self.weight.transpose(0, 2, 3, 1))
        return program.add("float_conv2d", [0], self._attributes(), {"weight": weight, "bias": self.bias})

    def _program(self, kind: str, isa: str) -> _engine.Program:
        return _engine.Program(kind, *self.shape.image, self.shape.in_channels, isa)

    def _finish(self, program: _engine.Program, add: Callable[[], int]) -> None:
        try:
            program.finish([add()])
        except ValueError as error:
            raise EngineError(f"shape '{self.shape.text}': the engine refuses it: {error}") from error

    def _attributes(self) -> dict[str, Any]:
        shape = self.shape
        return {
            "kernel": shape.kernel,
            "stride": (shape.stride, shape.stride),
            "padding": shape.padding,
            "dilation": (1, 1),
            "groups": shape.groups,
            "in_channels": shape.in_channels,
            "out_channels": shape.out_channels,
        }

    def _draw(self, seed: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        if self.shape.binary:
            return rng.choice(np.array([-1, 1], dtype=np.float32), shape)
        return rng.standard_normal(shape, dtype=np.float32)


def as_words(x: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return the signs of (N, C, H, W) as (N, H, W, ceil(C / 32)) words, bit 1 where x is negative."""
    channels = x.shape[1]
    bits = np.zeros((x.shape[0], *x.shape[2:], -(-channels // 32) * 32), dtype=np.uint8)
    bits[..., :channels] = (x < 0).transpose(0, 2, 3, 1)
    return np.packbits(bits, axis=-1, bitorder="little").view(np.uint32)


def sum_of_taps(signs: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 1x1 convolution of (N, C, H, W) with (O, C)."""
    return np.einsum("nchw,oc->nohw", signs, weight, optimize=True)


def _pack_filters(weight: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return (O, ceil(K / 8)): bits in (KH, KW, I) order, 1 where the weight is negative."""
    negative = (weight < 0).transpose(0, 2, 3, 1).reshape(len(weight), -1)
    return np.packbits(negative, axis=1, bitorder="little")
