"""`xnorkit bench kernels`: single layers against the machine's own limit and against what one could run instead."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from xnorkit import _engine
from xnorkit.bench.engines import ALL, KERNEL_ENGINES, Engine, Note, choose, silent
from xnorkit.bench.layer_case import REFERENCE, LayerCase
from xnorkit.bench.peaks import check_isa
from xnorkit.bench.shapes import LayerShape
from xnorkit.bench.timing import check_run, interleaved
from xnorkit.errors import EngineError, InputError

__all__ = ["KernelResult", "bench_kernel", "bench_kernels"]

OWN, OWN_FLOAT, OWN_NHWC = "xnorkit", "xnorkit_float", "xnorkit_float_nhwc"
IMAGE_CHANNELS = 4
PEAK_MILLISECONDS = 1.0


@dataclass(frozen=True)
class KernelResult:
    """One row; field names are fixed so that figures can be compared over time.

    us, min_us: median and minimum of a binary layer with bits in and thresholded bits out, or of a float layer from
    float32 to float32 (N, H, W, C), where up to 4 channels are an image (N, C, H, W). gmacs, peak_gmacs,
    fraction_of_peak: of the median. float_us, float_nhwc_us: a binary layer from float32 (N, C, H, W) or (N, H, W, C)
    to float32 of the same layout, sign, packing, scale and bias included; null for a float layer. bytes: that must move
    at least. The names with min are minima, the others medians; quartiles_us are those of us.
    """

    op: str
    shape: str
    isa: str
    threads: int
    us: float
    min_us: float
    gmacs: float
    peak_gmacs: float
    fraction_of_peak: float
    bytes: int
    quartiles_us: tuple[float, float]
    float_us: float | None = None
    float_min_us: float | None = None
    float_nhwc_us: float | None = None
    float_nhwc_min_us: float | None = None
    peers_us: dict[str, float] = field(default_factory=dict)
    peers_min_us: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return asdict(self)


def bench_kernels(
    shapes: Sequence[LayerShape],
    *,
    isa: str = "",
    threads: Sequence[int] = (1,),
    seconds: float = 1.0,
    against: Sequence[str] = ALL,
    note: Note = silent,
) -> list[KernelResult]:
    """Return one row per number of threads and shape; see `bench_kernel`. `note` takes lines about missing peers.

    Raises:
        InputError: no shapes, or as `bench_kernel`.
    """
    if not shapes or not threads:
        raise InputError("no shapes or threads; required: at least one, such as 'resnet18' or '3x3 256@14x14'.")
    once = _once(note)
    return [
        bench_kernel(shape, isa=isa, threads=count, seconds=seconds, against=against, note=once)
        for count in threads
        for shape in shapes
    ]


def bench_kernel(
    shape: LayerShape,
    *,
    isa: str = "",
    threads: int = 1,
    seconds: float = 1.0,
    against: Sequence[str] = ALL,
    truth: str = REFERENCE,
    note: Note = silent,
) -> KernelResult:
    """Return the times of one layer, batch 1, random data; every answer is checked before it is timed.

    It is checked against the scalar reference, which takes seconds for 0.1e9 multiply-adds, or against another
    instruction set, as `truth="portable"`, which takes milliseconds.

    The peak is that of a register-only loop of the same instruction set (xor + popcount + add, or fused multiply-add),
    the best of one measurement (about 1 ms) in each round of the interleaved timing, times `threads`. Multiply-adds
    count valid taps only.

    Raises:
        InputError: `isa` is not available, a peer that was asked for is missing or wrong, or `check_run` refuses the
            rest.
        EngineError: the engine has no kernel for the shape, or its answer is not the reference's.
    """
    check_run(threads, seconds)
    engines, asked = choose(against, KERNEL_ENGINES, note)
    isa = check_isa(isa)
    case = LayerCase(shape, truth)
    candidates = _own(case, isa, threads)
    peers = {engine.name: _peer(engine, case, threads, engine.name in asked, note) for engine in engines}
    candidates.update({name: call for name, call in peers.items() if call is not None})
    peaks: list[float] = []
    peak = _engine.peak_binary_gmacs if shape.binary else _engine.peak_float_gmacs
    with _threads_of_torch(engines, threads):
        times = interleaved(candidates, seconds=seconds, each_round=lambda: peaks.append(peak(isa, PEAK_MILLISECONDS)))
    limit = max(peaks) * threads
    own, own_float, own_nhwc = times.pop(OWN), times.pop(OWN_FLOAT, None), times.pop(OWN_NHWC, None)
    gmacs = shape.macs / own.median_us / 1e3
    return KernelResult(
        op=shape.op,
        shape=shape.text,
        isa=isa,
        threads=threads,
        us=own.median_us,
        min_us=own.min_us,
        gmacs=gmacs,
        peak_gmacs=limit,
        fraction_of_peak=gmacs / limit,
        bytes=shape.bytes,
        quartiles_us=own.quartiles_us,
        float_us=own_float.median_us if own_float else None,
        float_min_us=own_float.min_us if own_float else None,
        float_nhwc_us=own_nhwc.median_us if own_nhwc else None,
        float_nhwc_min_us=own_nhwc.min_us if own_nhwc else None,
        peers_us={name: timing.median_us for name, timing in times.items()},
        peers_min_us={name: timing.min_us for name, timing in times.items()},
    )


def _own(case: LayerCase, isa: str, threads: int) -> dict[str, Callable[[], Any]]:
    """Return xnorkit's calls, whose answers equal the scalar reference bit for bit."""
    if case.shape.binary:
        runs = {
            OWN: case.bits_run(isa),
            OWN_FLOAT: case.float_run(isa, "nchw"),
            OWN_NHWC: case.float_run(isa, "nhwc"),
        }
    else:
        runs = {OWN: case.float_run(isa, "nchw" if case.shape.in_channels <= IMAGE_CHANNELS else "nhwc")}
    for name, run in runs.items():
        values = run(threads)[0]
        bits = case.shape.binary and name == OWN
        as_they_are = bits or name == OWN_FLOAT
        if not np.array_equal(
            values if as_they_are else values.transpose(0, 3, 1, 2), case.answer_bits if bits else case.answer
        ):
            raise EngineError(f"shape '{case.shape.text}': isa {isa} does not give the reference's answer.")
    return {name: _with_threads(run, threads) for name, run in runs.items()}


def _with_threads(run: Callable[[int], Any], threads: int) -> Callable[[], Any]:
    return lambda: run(threads)


def _peer(engine: Engine, case: LayerCase, threads: int, asked: bool, note: Note) -> Callable[[], Any] | None:
    """Return a peer's call, or None with a note if it cannot run this layer and was not asked for by name."""
    try:
        call = _build(engine.name, case, threads)
        if call is not None and engine.name != "openvino_binary_node":
            _check(engine, case, call())
        return call
    except InputError as error:
        if asked:
            raise
        note(str(error))
        return None


def _build(name: str, case: LayerCase, threads: int) -> Callable[[], Any] | None:
    if name == "torch_f32":
        from xnorkit.bench.peers.pytorch import float_layer, torch_threads

        with torch_threads(threads):
            return float_layer(case)
    if name.startswith("openvino_binary"):
        from xnorkit.bench.peers import open_vino_binary

        if open_vino_binary.unsuitable(case):
            return None
        if name.endswith("node"):
            return open_vino_binary.binary_node(case, threads)
        return open_vino_binary.binary_model(case, threads, "nhwc" if name.endswith("nhwc") else "nchw")
    from xnorkit.bench.peers import onnx_graphs

    layer = onnx_graphs.float_layer(case)
    if name == "openvino_f32":
        from xnorkit.bench.peers.open_vino import infer

        return infer(layer, case.x, threads, keep_float32=True)
    from xnorkit.bench.peers.onnx_runtime import session

    return session(onnx_graphs.quantize(layer, [case.x]) if name.endswith("int8") else layer, case.x, threads)


def _check(engine: Engine, case: LayerCase, answer: Any) -> None:
    """Compare a peer's float32 answer with the reference's; peers but OpenVINO's binary model give the bare sums."""
    expected = case.answer.transpose(0, 2, 3, 1) if engine.name.endswith("nhwc") else case.answer
    if case.shape.binary and not engine.name.startswith("openvino_binary"):
        expected = (expected - case.bias.reshape(1, -1, 1, 1)) / case.scale.reshape(1, -1, 1, 1)
    error = float(np.linalg.norm(answer - expected) / np.linalg.norm(expected))
    if not error <= engine.tolerance:
        raise InputError(
            f"{engine.name} gives another answer for '{case.shape.text}' (relative error {error:.2g}); "
            f"required: at most {engine.tolerance}; it is not measured."
        )


def _threads_of_torch(engines: Sequence[Engine], threads: int) -> AbstractContextManager[None]:
    if not any(engine.family.startswith("torch") for engine in engines):
        return nullcontext()
    from xnorkit.bench.peers.pytorch import torch_threads

    return torch_threads(threads)


def _once(note: Note) -> Note:
    """Return `note` without repetitions."""
    seen: set[str] = set()

    def pass_on(line: str) -> None:
        if line not in seen:
            seen.add(line)
            note(line)

    return pass_on
