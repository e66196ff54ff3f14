"""The three products of a binary convolution in training: kernels on bits beside PyTorch's convolutions in float32."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit import _engine
from xnorkit.bench.engines import MODEL_ENGINES
from xnorkit.bench.machine import machine
from xnorkit.bench.peers.pytorch import torch_threads
from xnorkit.bench.shapes import LayerShape, parse_shape
from xnorkit.bench.timing import Row, Timing, check_run, interleaved
from xnorkit.errors import EngineError, InputError
from xnorkit.train.memory import reuse_memory

__all__ = ["PRODUCTS", "SHAPES", "ProductResult", "bench_products"]

SHAPES = ("3x3 64@32x32", "3x3 128@16x16", "3x3 256@8x8", "3x3 512@4x4")
PACK = "pack"
PRODUCTS = ("forward", "input gradient", "weight gradient")
FLOAT = "float "
MOST = 511  # gradients are rounded to integers from -511 to 511
CLIP = 1.0


@dataclass(frozen=True)
class ProductResult(Row):
    """One row; field names are fixed so that figures can be compared over time.

    product: 'pack' (float32 activations to the bits of sign(x) and |x| < 1, before the forward product), 'forward'
        (bits to float32), 'input gradient' and 'weight gradient' (float32 gradient and bits to float32).
    ms, float_ms: medians of the engine and of `torch.ops.aten.convolution` or `convolution_backward`, channels last;
        quartiles_ms, float_quartiles_ms: between them lies the middle half; min_ms, float_min_ms:
        the shortest. float_over_bits: float_ms / ms.
    gmacs, float_gmacs: 1e9 multiply-adds per second, for valid taps only. All of these are null for 'pack'.
    isa: of the engine; float_isa: what PyTorch is held to, null where it is free. machine: cpu, cores, os, versions.
    """

    product: str
    shape: str
    batch: int
    threads: int
    isa: str
    ms: float
    quartiles_ms: tuple[float, float]
    min_ms: float
    gmacs: float | None
    float_ms: float | None
    float_quartiles_ms: tuple[float, float] | None
    float_min_ms: float | None
    float_gmacs: float | None
    float_over_bits: float | None
    float_isa: str | None
    machine: dict[str, Any]


def bench_products(
    shapes: Sequence[str] = SHAPES, *, batch: int = 128, threads: Sequence[int] = (1,), seconds: float = 2.0
) -> list[ProductResult]:
    """Return a row per number of threads, shape and product, on random numbers, measured in turns.

    Before they are timed, the engine's answers are compared with PyTorch's: the forward product must be equal, and a
    gradient within half a step times the number of summed values, as docs/training-speed.md derives.

    Args:
        shapes: square convolutions, such as '3x3 64@32x32'.
        batch: the number of images.
        threads: the numbers of threads of the engine and of PyTorch, one run each.
        seconds: the time of measurement per shape and number of threads.

    Raises:
        InputError: `batch` is below 1, there are no threads, a text is not a shape, or `check_run` refuses the rest.
        EngineError: an answer is wrong.
    """
    if batch < 1 or not threads:
        raise InputError(f"batch={batch}, threads={list(threads)}, but all must be at least 1.")
    for count in threads:
        check_run(count, seconds)
    reuse_memory()
    cases = [_Case(parse_shape(text), batch) for text in shapes]
    rows = []
    for count in threads:
        for case in cases:
            with torch_threads(count):
                case.check(count)
                times = interleaved(case.calls(count), seconds=seconds, min_rounds=5)
            rows += [_row(case, product, count, times) for product in (PACK, *PRODUCTS)]
    return rows


def _row(case: "_Case", product: str, threads: int, times: dict[str, Timing]) -> ProductResult:
    own, peer = times[product], times.get(FLOAT + product)
    macs = case.shape.macs * case.batch
    held = next(engine for engine in MODEL_ENGINES if engine.name == "torch_f32").held_to()
    return ProductResult(
        product=product,
        shape=case.shape.text,
        batch=case.batch,
        threads=threads,
        isa=_engine.default_isa(),
        ms=own.median_us / 1e3,
        quartiles_ms=_ms(own.quartiles_us),
        min_ms=own.min_us / 1e3,
        gmacs=macs / own.median_us / 1e3 if peer else None,
        float_ms=peer.median_us / 1e3 if peer else None,
        float_quartiles_ms=_ms(peer.quartiles_us) if peer else None,
        float_min_ms=peer.min_us / 1e3 if peer else None,
        float_gmacs=macs / peer.median_us / 1e3 if peer else None,
        float_over_bits=peer.median_us / own.median_us if peer else None,
        float_isa=held,
        machine=machine(),
    )


def _ms(us: tuple[float, float]) -> tuple[float, float]:
    return us[0] / 1e3, us[1] / 1e3


class _Case:
    """One convolution with random activations x, weights b of +1 and -1, and gradient g; scale 1, bias 0."""

    def __init__(self, shape: LayerShape, batch: int) -> None:
        self.shape, self.batch = shape, batch
        (height, width), channels, filters = shape.image, shape.in_channels, shape.out_channels
        top, left, *_ = shape.padding
        geometry = _engine.ConvGeometry(shape.kernel, (shape.stride,) * 2, shape.padding, (1, 1), shape.groups)
        self.conv = _engine.SignConv((batch, height, width, channels), filters, geometry)
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((batch, height, width, channels), "f4")
        self.b = np.sign(rng.standard_normal((filters, *shape.kernel, channels // shape.groups), "f4"))
        self.g = rng.standard_normal(self.conv.output, "f4")
        self.scale, self.bias = np.ones(filters, "f4"), np.zeros(filters, "f4")
        self.signs, self.inside = _words(self.x), _words(self.x)
        self.weights = _words(self.b)
        _pack(self.b, self.weights, None, 1)
        _pack(self.x, self.signs, self.inside, 1)
        self.results: dict[str, NDArray[np.float32]] = {
            "forward": np.empty(self.conv.output, "f4"),
            "input gradient": np.empty_like(self.x),
            "weight gradient": np.empty_like(self.b),
        }
        self.window = ((shape.stride,) * 2, (top, left), (1, 1), False, (0, 0), shape.groups)

    def calls(self, threads: int) -> dict[str, Callable[[], object]]:
        conv, result = self.conv, self.results
        s, b, g = _planes(np.copysign(np.float32(1), self.x)), _planes(self.b), _planes(self.g)
        forward = torch.ops.aten.convolution
        backward = torch.ops.aten.convolution_backward
        return {
            PACK: lambda: _pack(self.x, self.signs, self.inside, threads),
            "forward": lambda: _engine.sign_conv(
                conv, self.signs, self.weights, self.scale, self.bias, result["forward"], threads
            ),
            "input gradient": lambda: _engine.sign_conv_input_gradient(
                conv, self.g, self.weights, self.scale, self.inside, result["input gradient"], threads
            ),
            "weight gradient": lambda: _engine.sign_conv_weight_gradient(
                conv, self.g, self.signs, result["weight gradient"], threads
            ),
            FLOAT + "forward": lambda: forward(s, b, None, *self.window),
            FLOAT + "input gradient": lambda: backward(g, s, b, None, *self.window, [True, False, False])[0],
            FLOAT + "weight gradient": lambda: backward(g, s, b, None, *self.window, [False, True, False])[1],
        }

    def check(self, threads: int) -> None:
        """Compare the three answers with PyTorch's.

        Raises:
            EngineError: one is wrong.
        """
        calls = self.calls(threads)
        inside = np.abs(self.x) < CLIP
        outputs = self.shape.kernel[0] * self.shape.kernel[1] * self.shape.out_channels // self.shape.groups
        positions = self.batch * int(np.prod(self.shape.out_image))
        per_image = np.abs(self.g).max((1, 2, 3), keepdims=True) / MOST
        per_filter = np.abs(self.g).max((0, 1, 2)).reshape(-1, 1, 1, 1) / MOST
        bounds = {
            "forward": 0,
            "input gradient": per_image * outputs / 2,
            "weight gradient": per_filter * positions / 2,
        }
        for product, bound in bounds.items():
            calls[product]()
            peer = calls[FLOAT + product]()
            assert isinstance(peer, Tensor)
            expected = peer.permute(0, 2, 3, 1).numpy()
            if product == "input gradient":
                expected = expected * inside
            if not (np.abs(self.results[product] - expected) <= bound).all():
                raise EngineError(
                    f"shape '{self.shape.text}', isa {_engine.default_isa()}: the {product} differs from PyTorch's "
                    "by more than its rounding: forward sums must be equal, backward ones within half a step per value."
                )


def _planes(pixels: NDArray[np.float32]) -> Tensor:
    """Return (N, H, W, C) as (N, C, H, W) in channels-last memory."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def _words(x: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.empty((*x.shape[:-1], -(-x.shape[-1] // 32)), np.uint32)


def _pack(x: NDArray[np.float32], signs: NDArray[np.uint32], inside: NDArray[np.uint32] | None, threads: int) -> None:
    words = (-1, signs.shape[-1])
    pixels = x.reshape(-1, x.shape[-1])
    within = None if inside is None else inside.reshape(words)
    _engine.pack_signs(pixels, CLIP, signs.reshape(words), within, threads)
