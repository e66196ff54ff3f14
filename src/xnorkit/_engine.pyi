"""The compiled engine (bindings/engine.cpp). Types of what `xnorkit._engine` offers; see docs/engine.md.

Layouts. Images are (N, C, H, W) where they enter; inside, channels are innermost: floats are (N, H, W, C) float32, bits
are (N, H, W, ceil(C / 32)) uint32 words, bit c of a pixel is bit c % 32 of word c // 32, bit 1 means -1, padding bits
are 0; u8 is (N, H, W, C) uint8. Every array argument must be C-contiguous and of exactly the stated dtype, else
ValueError.
Values inside a program are named by small integers, which `Program.add` returns.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

class ConvGeometry:
    """Kernel, stride, padding, dilation and groups of a convolution or pooling window, in (height, width) order.

    A program accepts any of these that fits the padded image, and filters of at most 2^24 values.
    """

    def __init__(
        self,
        kernel: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),  # top, left, bottom, right
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
    ) -> None: ...

class ValueInfo(NamedTuple):
    """Shape of a value of one image, without the batch: kind is 'f32', 'bits', 'i32', 'u8' or 'planes'."""

    kind: str
    height: int
    width: int
    channels: int

class StepInfo(NamedTuple):
    """One step of a finished program.

    operations: that it joins, in order; 'input' reads the images. values: what these made.
    kernel: '' where there is no choice. shape: of its last float value, or of its only one. macs: multiply-adds of one
    image, taps outside the image not counted.
    """

    operations: list[str]
    values: list[int]
    kernel: str
    shape: ValueInfo
    macs: float

def isas() -> list[str]:
    """Return the instruction sets that this CPU and this build support, fastest first, 'portable', 'reference' last."""

def default_isa() -> str:
    """Return the instruction set in XNORKIT_ISA, else the fastest; ValueError if that one is not supported."""

def default_threads() -> int:
    """Return XNORKIT_THREADS, else the number of physical cores that this process may use."""

def peak_binary_gmacs(isa: str, milliseconds: float = 50.0) -> float:
    """Return 1e9 binary multiply-adds per second of one thread of a register-only xor + popcount + add loop."""

def peak_float_gmacs(isa: str, milliseconds: float = 50.0) -> float:
    """Return 1e9 float32 multiply-adds per second of one thread of a register-only fused multiply-add loop."""

class Program:
    """A network planned once and run by one call; thread-safe to run, not to build."""

    def __init__(self, kind: str, height: int, width: int, channels: int, isa: str = "") -> None:
        """Begin with value 0, the input.

        kind: 'image': (N, C, H, W) float32, or uint8 with a table, becomes f32; 'pixels': (N, C, H, W) uint8, or
        float32 with a normalization, becomes u8; 'bits' (N, H, W, words) and 'f32' (N, H, W, C) are the value itself.
        """

    def set_uint8_table(self, table: NDArray[np.float32]) -> None:
        """Allow uint8 images: table (C, 256) maps a pixel of channel c to its normalised float32 value."""

    def set_normalization(self, mean: NDArray[np.float32], std: NDArray[np.float32]) -> None:
        """Allow float32 images for kind 'pixels': u = clamp(rint((x * std[c] + mean[c]) / (1 / 255)), 0, 255)."""

    def add(
        self,
        op: str,
        inputs: Sequence[int],
        attributes: dict[str, Any] = ...,
        tensors: dict[str, NDArray[Any]] = ...,
    ) -> int:
        """Add an operation of docs/format.md, section 5, and return the value that it makes.

        Tensors are copied; float16 is widened to float32. Beyond that page:

        - the epilogue "integers" of binary and 8-bit layers makes their sums themselves, i32, without further tensors;
        - the operation "planes", f32 -> planes, makes (N, C, H, W) of a value, to be an output.

        ValueError if the operation refuses an input, an attribute or a tensor, or does not know it.
        """

    def finish(self, outputs: list[int], fuse: bool = True) -> None:
        """Plan steps and buffers and freeze the program; run returns these values in this order.

        fuse: join operations into steps where that spares a pass; the results are the same without, bit for bit.
        """

    def info(self, value: int) -> ValueInfo:
        """Return kind and shape of a value."""

    @property
    def isa(self) -> str: ...
    @property
    def arena_bytes(self) -> int:
        """Bytes of activation buffers for one image, after reuse."""

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights and thresholds resident in the kernels' own arrangement."""

    def steps(self) -> list[StepInfo]:
        """Return the steps that a run takes, in order."""

    def profile(self, source: NDArray[Any], repeats: int = 20, threads: int = 1) -> list[float]:
        """Return the median microseconds of each of the steps over `repeats` runs on an input that `run` takes."""

    def run(self, source: NDArray[Any], threads: int = 1) -> list[NDArray[Any]]:
        """Run on (N, C, H, W) float32 or uint8 images, or (N, H, W, words) uint32 bits.

        Returns one new array per output: f32 (N, H, W, C) float32, bits (N, H, W, words) uint32, i32 (N, H, W, C)
        int32, planes (N, C, H, W) float32.
        ValueError if a float input holds NaN or infinity, or a shape or dtype is not the declared one.
        """

MAX_SUM_TERMS: int
"""Values of one sum in the gradients of a `SignConv` at most: output positions of all images, taps times filters."""

class SignConv:
    """A convolution of signs in training, of images (N, H, W, C) by filters (O, KH, KW, C / groups).

    ValueError unless the padded image holds the kernel, groups divide both channels, several groups have a multiple of
    16 channels each, and the sums below fit int32. Bits are (..., ceil(channels / 32)) uint32 words.
    """

    def __init__(self, image: tuple[int, int, int, int], out_channels: int, geometry: ConvGeometry) -> None: ...
    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape (N, OH, OW, O) of the result."""

def pack_signs(
    x: NDArray[np.float32],
    clip: float,
    signs: NDArray[np.uint32],
    inside: NDArray[np.uint32] | None,
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write x < 0 of x (pixels, C) to the bits of `signs` (pixels, words), and |x| < clip to those of `inside`."""

def sign_conv(
    conv: SignConv,
    signs: NDArray[np.uint32],
    weight: NDArray[np.uint32],
    scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    result: NDArray[np.float32],
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write float32(dot) * scale[o] + bias[o], two roundings, to `result` (N, OH, OW, O)."""

def sign_conv_input_gradient(
    conv: SignConv,
    gradient: NDArray[np.float32],
    weight: NDArray[np.uint32],
    scale: NDArray[np.float32],
    inside: NDArray[np.uint32] | None,
    result: NDArray[np.float32],
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write dC/d(signs) (N, H, W, C) for gradient dC/dy (N, OH, OW, O): 0 where a bit of `inside` is 0.

    scale[o] * gradient is rounded to integers of 10 bits times one step per image, max / 511; sums are exact.
    """

def sign_conv_weight_gradient(
    conv: SignConv,
    gradient: NDArray[np.float32],
    signs: NDArray[np.uint32],
    result: NDArray[np.float32],
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write dC/d(scale * weight) (O, KH, KW, C / groups); gradient is rounded with one step per filter, max / 511."""

def norm_keep(
    x: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_std: NDArray[np.float32],
    kept: NDArray[np.int8],
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write rint(8 (x - mean) inverse_std), within +-127, of x (pixels, C) to `kept` (pixels, C)."""

def norm_gradient(
    gradient: NDArray[np.float32],
    kept: NDArray[np.int8],
    weight: NDArray[np.float32],
    inverse_std: NDArray[np.float32],
    to_x: NDArray[np.float32],
    to_weight: NDArray[np.float32],
    to_bias: NDArray[np.float32],
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write the gradients of a batch normalization for gradient (pixels, C), with z = kept / 8; to_x may be gradient.

    to_bias = sum g, to_weight = sum g z, to_x = weight inverse_std (g - mean g - z mean(g z)), per channel.
    """

def relu_keep(
    x: NDArray[np.float32],
    kept: NDArray[np.uint32],
    result: NDArray[np.float32],
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write a bit per element of x, in memory order, whether it is above 0, or NaN, and x there, else 0.

    `result` may be `x`.
    """

def relu_gradient(
    gradient: NDArray[np.float32],
    kept: NDArray[np.uint32],
    result: NDArray[np.float32],
    threads: int = 1,
    isa: str = "",
) -> None:
    """Write the gradient where its bit is 1, else 0."""
