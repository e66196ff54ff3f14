"""`xnorkit bench kernels`: single layers against the limit of the machine and against the alternatives."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from xnorkit import _engine
from xnorkit.bench.engines import ALL, KERNEL_ENGINES, Engine, Note, choose, silent
from xnorkit.bench.faults import Faults, checked_error
from xnorkit.bench.layer_case import REFERENCE, LayerCase
from xnorkit.bench.peaks import check_isa
from xnorkit.bench.shapes import LayerShape
from xnorkit.bench.timing import Row, check_run, interleaved
from xnorkit.errors import EngineError, InputError

__all__ = ["KernelResult", "bench_kernel", "bench_kernels"]

OWN, OWN_FLOAT, OWN_NHWC = "xnorkit", "xnorkit_float", "xnorkit_float_nhwc"
TORCH_PEER, BITS_PEER = "torch_f32", "openvino_binary_node"
BINARY_PEERS = (BITS_PEER, "openvino_binary_model", "openvino_binary_model_nhwc")
IMAGE_CHANNELS = 4
PEAK_MILLISECONDS = 1.0


@dataclass(frozen=True)
class KernelResult(Row):
    """One row; field names are fixed so that figures can be compared over time.

    us, min_us: median and minimum of a binary layer with bits in and thresholded bits out, or of a float layer from
    float32 to float32 (N, H, W, C), where up to 4 channels are an image (N, C, H, W). gmacs, peak_gmacs,
    fraction_of_peak: of the median. float_us, float_nhwc_us: a binary layer from float32 (N, C, H, W) or (N, H, W, C)
    to float32 of the same layout, sign, packing, scale and bias included; null for a float layer. bytes: that must move
    at least. The names with min are minima, the others medians; quartiles_us are those of us. peers_us, peers_min_us:
    by name of the peer; null where it cannot be measured, with the reason in peer_faults. peer_remarks: what is to be
    known beside a peer's time.
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
    peers_us: dict[str, float | None] = field(default_factory=dict)
    peers_min_us: dict[str, float | None] = field(default_factory=dict)
    peer_faults: dict[str, str] = field(default_factory=dict)
    peer_remarks: dict[str, str] = field(default_factory=dict)


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
        InputError: there are no shapes, or as `bench_kernel`.
    """
    if not shapes or not threads:
        raise InputError("at least one shape and thread count are needed. Pass shapes such as '3x3 256@14x14'.")
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
    """Return the times of one layer at batch 1 on random data, after checking every answer.

    A peer that raises or whose answer is wrong has null for its time and a reason; the others are measured.

    It is checked against the scalar reference, which takes seconds for 0.1e9 multiply-adds, or against another
    instruction set, as `truth="portable"`, which takes milliseconds.

    The peak is that of a register-only loop of the same instruction set (xor + popcount + add, look-ups, or fused
    multiply-add), the best of one measurement (about 1 ms) in each round of the interleaved timing, times `threads`.
    Multiply-adds count valid taps only.

    Raises:
        InputError: `isa` is not available, a peer is unknown, or `check_run` refuses the rest.
        EngineError: the engine has no kernel for the shape, or its answer is not the reference's.
    """
    check_run(threads, seconds)
    choice = choose(against, KERNEL_ENGINES, note)
    isa = check_isa(isa)
    case = LayerCase(shape, truth)
    candidates = _own(case, isa, threads)
    engines = [engine for engine in choice.engines if shape.binary or engine.name not in BINARY_PEERS]
    faults = Faults([engine.name for engine in engines], choice.absent)
    for engine in engines:
        call = faults.attempt(engine.name, partial(_peer, engine, case, threads))
        if call is not None:
            candidates[engine.name] = call
    peaks: list[float] = []
    peak = _engine.peak_binary_gmacs if shape.binary else _engine.peak_float_gmacs
    with _threads_of_torch(candidates, threads):
        times = interleaved(
            candidates,
            seconds=seconds,
            each_round=lambda: peaks.append(peak(isa, PEAK_MILLISECONDS)),
            on_error=faults.take,
        )
    limit = max(peaks) * threads
    own, own_float, own_nhwc = times.pop(OWN), times.pop(OWN_FLOAT, None), times.pop(OWN_NHWC, None)
    gmacs = shape.macs / own.median_us / 1e3
    found = {*times, *faults.reasons}
    peers = {engine.name: times.get(engine.name) for engine in KERNEL_ENGINES if engine.name in found}
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
        peers_us={name: timing.median_us if timing else None for name, timing in peers.items()},
        peers_min_us={name: timing.min_us if timing else None for name, timing in peers.items()},
        peer_faults=faults.reasons,
        peer_remarks={engine.name: text for engine in engines if engine.name in times and (text := engine.remark())},
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
            raise EngineError(f"shape '{case.shape.text}': isa {isa} does not return the reference's answer.")
    return {name: _with_threads(run, threads) for name, run in runs.items()}


def _with_threads(run: Callable[[int], Any], threads: int) -> Callable[[], Any]:
    return lambda: run(threads)


def _peer(engine: Engine, case: LayerCase, threads: int) -> Callable[[], Any]:
    """Return a peer's call, whose answer is the reference's within its tolerance.

    Raises:
        PeerError: it is not, or the peer does not compute such a layer. The peer may raise other exceptions.
    """
    call = _build(engine, case, threads)
    if engine.name != BITS_PEER:
        _check(engine, case, call())
    return call


def _build(engine: Engine, case: LayerCase, threads: int) -> Callable[[], Any]:
    if engine.name == TORCH_PEER:
        from xnorkit.bench.peers.pytorch import float_layer, torch_threads

        with torch_threads(threads):
            return float_layer(case)
    if engine.name in BINARY_PEERS:
        from xnorkit.bench.peers import open_vino_binary

        if engine.name == BITS_PEER:
            return open_vino_binary.binary_node(case, threads)
        return open_vino_binary.binary_model(case, threads, "nhwc" if engine.name.endswith("nhwc") else "nchw")
    from xnorkit.bench.peers import onnx_graphs

    layer = onnx_graphs.float_layer(case)
    if engine.name == "openvino_f32":
        from xnorkit.bench.peers.open_vino import infer

        return infer(layer, case.x, threads, keep_float32=True)
    from xnorkit.bench.peers.onnx_runtime import session

    model = onnx_graphs.quantize(layer, [case.x], engine.weight_bits()) if engine.is_int8 else layer
    return session(model, case.x, threads)


def _check(engine: Engine, case: LayerCase, answer: Any) -> None:
    """Compare a peer's float32 answer with the reference's; peers but OpenVINO's binary model give the bare sums."""
    expected = case.answer.transpose(0, 2, 3, 1) if engine.name.endswith("nhwc") else case.answer
    if case.shape.binary and engine.name not in BINARY_PEERS:
        expected = (expected - case.bias.reshape(1, -1, 1, 1)) / case.scale.reshape(1, -1, 1, 1)
    checked_error(answer, expected, engine.tolerance)


def _threads_of_torch(candidates: Iterable[str], threads: int) -> AbstractContextManager[None]:
    if TORCH_PEER not in candidates:
        return nullcontext()
    from xnorkit.bench.peers.pytorch import torch_threads

    return torch_threads(threads)


def _once(note: Note) -> Note:
    """Return a `note` that ignores repeated lines."""
    seen: set[str] = set()

    def pass_on(line: str) -> None:
        if line not in seen:
            seen.add(line)
            note(line)

    return pass_on
