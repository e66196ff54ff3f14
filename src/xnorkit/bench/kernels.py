"""`xnorkit bench kernels`: single binary convolutions against the machine's own limit and PyTorch's float32."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np

from xnorkit import _engine
from xnorkit.bench.shapes import LayerShape
from xnorkit.bench.timing import check_run, interleaved
from xnorkit.errors import InputError

__all__ = ["KernelResult", "bench_kernel", "bench_kernels"]

ENGINES = ("torch",)


@dataclass(frozen=True)
class KernelResult:
    """One row; field names are fixed so that figures can be compared over time."""

    op: str
    shape: str
    isa: str
    threads: int
    us: float
    gmacs: float
    peak_gmacs: float
    fraction_of_peak: float
    peers_us: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return asdict(self)


def bench_kernels(
    shapes: list[LayerShape],
    *,
    isa: str = "",
    threads: int = 1,
    seconds: float = 1.0,
    against: tuple[str, ...] = ("torch",),
) -> list[KernelResult]:
    """Return one row per shape; see `bench_kernel`.

    Raises:
        InputError: no shapes, or as `bench_kernel`.
    """
    if not shapes:
        raise InputError("no shapes; required: at least one, such as 'resnet18' or '3x3 256@14x14'.")
    return [bench_kernel(shape, isa=isa, threads=threads, seconds=seconds, against=against) for shape in shapes]


def bench_kernel(
    shape: LayerShape, *, isa: str = "", threads: int = 1, seconds: float = 1.0, against: tuple[str, ...] = ("torch",)
) -> KernelResult:
    """Return the time of one binary convolution, bits in and thresholded bits out, batch 1, random data.

    The peak is that of a register-only xor + popcount + add loop of the same instruction set, the median of one
    measurement (about 1 ms) in each round of the interleaved timing, times `threads`. Multiply-adds count valid taps
    only.

    Raises:
        InputError: `isa` is not available, or `check_run` refuses the rest.
    """
    check_run(against, ENGINES, threads, seconds)
    isa = isa or _engine.default_isa()
    if isa not in _engine.isas():
        raise InputError(f"isa '{isa}'; required: one that this CPU and build have: {', '.join(_engine.isas())}.")
    program, bits = _program(shape, isa)
    candidates: dict[str, Callable[[], object]] = {"xnorkit": lambda: program.run(bits, threads)}
    peaks: list[float] = []

    def measure_peak() -> None:
        peaks.append(_engine.peak_binary_gmacs(isa, 1.0))

    if "torch" in against:
        from xnorkit.bench.torch_peer import float_convolution, torch_threads

        candidates["torch_f32"] = float_convolution(shape)
        with torch_threads(threads):
            times = interleaved(candidates, seconds=seconds, each_round=measure_peak)
    else:
        times = interleaved(candidates, seconds=seconds, each_round=measure_peak)
    peak = statistics.median(peaks) * threads
    own = times.pop("xnorkit").median_us
    gmacs = shape.macs / own / 1e3
    peers = {name: timing.median_us for name, timing in times.items()}
    return KernelResult("binary_conv2d", shape.text, isa, threads, own, gmacs, peak, gmacs / peak, peers)


def _program(shape: LayerShape, isa: str) -> tuple[_engine.Program, np.ndarray]:
    rng = np.random.default_rng(0)
    program = _engine.Program("bits", *shape.image, shape.in_channels, isa)
    k = shape.kernel[0] * shape.kernel[1] * shape.in_channels
    signs = rng.integers(0, 2, (shape.out_channels, k), dtype=np.uint8)
    value = program.binary_conv2d_bits(
        0,
        np.packbits(signs, axis=1, bitorder="little"),
        shape.out_channels,
        _engine.ConvGeometry(shape.kernel, padding=shape.padding),
        np.zeros(shape.out_channels, dtype=np.int32),
        np.zeros(shape.out_channels, dtype=np.uint8),
    )
    program.finish([value])
    pixels = np.zeros((1, *shape.image, -(-shape.in_channels // 32) * 32), dtype=np.uint8)
    pixels[..., : shape.in_channels] = rng.integers(0, 2, (1, *shape.image, shape.in_channels))
    return program, np.packbits(pixels, axis=-1, bitorder="little").view(np.uint32)
