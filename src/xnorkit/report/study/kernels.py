"""One convolution against its float32 twin (Figures 4b, 4c and those of LeNet-5), and the peaks of the machine."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from xnorkit import _engine
from xnorkit.bench.engines import KERNEL_ENGINES, REMEDY
from xnorkit.bench.kernels import KernelResult, bench_kernel
from xnorkit.bench.peaks import Limits, PeakMeter
from xnorkit.bench.shapes import LayerShape, parse_shape
from xnorkit.errors import InputError
from xnorkit.report.records import Record
from xnorkit.report.study.study import Step, Study, Subject, blank, measured

__all__ = ["formula_speedup", "peak_steps", "sweep_step", "sweep_steps"]

SETUP_SECONDS = 0.5
PEAK_ROUNDS, POINT_ROUNDS = 30, 10
MEMORY_BYTES = 256_000_000
TRUTH = "portable"  # its kernels are proved equal to the reference by the tests of the engine


def peak_steps(study: Study) -> Iterable[Step]:
    """Yield the peaks of one thread and of the requested number of threads."""
    for threads in sorted({1, study.threads}):
        record = blank("peaks", f"t{threads}", {"threads": threads}, "xnorkit report --only peaks")
        title = f"peaks of the machine, threads {threads}"
        yield Step(title, 4.0, [record], partial(_measure_peaks, record, threads))


def sweep_steps(study: Study) -> Iterable[Step]:
    """Yield one step per sweep and shape; only one size changes in each.

    channels: input channels of the paper's layer (3x3 on 14x14, 256 filters). filter: its filter, with 256 channels.
    lenet-channels: filters of the second convolution of LeNet-5 (5x5 on 12x12, 20 channels, no padding).
    lenet-filter: its filter, with 50 filters.
    """
    plan = study.plan
    shapes = {
        "channels": [f"3x3 {channels}->256@14x14" for channels in plan.channels],
        "filter": [f"{k}x{k} 256->256@14x14" for k in plan.filters],
        "lenet-channels": [f"5x5 20->{filters}@12x12 valid" for filters in plan.lenet_channels],
        "lenet-filter": [f"{k}x{k} 20->50@12x12 valid" for k in plan.lenet_filters],
    }
    for experiment, texts in shapes.items():
        for text in texts:
            yield sweep_step(study, experiment, parse_shape(text))


def formula_speedup(in_channels: int, kernel: int) -> float:
    """Return 64 c N_W / (c N_W + 64), N_W = kernel^2: XNOR-Net, section 3.2.

    A binary convolution of c N_W N_I products takes 1/64 as many operations, and N_I more for the scales of the input;
    the number N_I of positions cancels.
    """
    products = in_channels * kernel * kernel
    return 64 * products / (products + 64)


def sweep_step(study: Study, experiment: str, shape: LayerShape) -> Step:
    """Return the step that measures one point."""
    subject: Subject = {
        "shape": shape.text,
        "channels": shape.out_channels if experiment == "lenet-channels" else shape.in_channels,
        "in_channels": shape.in_channels,
        "out_channels": shape.out_channels,
        "kernel": shape.kernel[0],
        "height": shape.image[0],
        "family": "xnor",
        "engine": "xnorkit",
        "threads": 1,
    }
    record = blank(experiment, shape.text, subject, f"xnorkit bench kernels --shapes '{shape.text}'")
    seconds = study.plan.kernel_seconds

    def measure() -> Iterable[Record]:
        peers = [engine.name for engine in KERNEL_ENGINES if engine.name.endswith("_f32") and not engine.missing()]
        if not peers:
            raise InputError(f"no float32 engine is installed, but the comparison needs one: {REMEDY}.")
        yield _point(record, shape, bench_kernel(shape, seconds=seconds, against=peers, truth=TRUTH, note=study.note))

    return Step(f"{experiment}: {shape.text}", seconds + SETUP_SECONDS, [record], measure)


def _point(record: Record, shape: LayerShape, row: KernelResult) -> Record:
    assert row.float_us is not None
    assert row.float_min_us is not None
    times = [(us, name) for name, us in row.peers_us.items() if us is not None]
    faults = "; ".join(f"{name}: {reason}" for name, reason in row.peer_faults.items())
    if not times:
        return replace(record, reason=f"no float32 engine can be measured: {faults}")
    float_us, peer = min(times)
    float_min_us = min(us for us in row.peers_min_us.values() if us is not None)
    best = _limits(1, POINT_ROUNDS)
    values = {
        "us": row.us,
        "min_us": row.min_us,
        "from_float_us": row.float_us,
        "float_us": float_us,
        "float_min_us": float_min_us,
        "speedup": float_us / row.us,
        "min_speedup": float_min_us / row.min_us,
        "from_float_speedup": float_us / row.float_us,
        "min_from_float_speedup": float_min_us / row.float_min_us,
        "formula_speedup": formula_speedup(shape.in_channels, shape.kernel[0]),
        "limit_speedup": best.binary_gmacs / best.float_gmacs,
        "macs_binary": shape.macs,
    }
    subject = {"peer": peer, **({"unmeasured": faults} if faults else {})}
    return measured(record, values, {"us": list(row.quartiles_us)}, subject=subject)


def _measure_peaks(record: Record, threads: int) -> list[Record]:
    best = _limits(threads, PEAK_ROUNDS, MEMORY_BYTES)
    values = {"binary_gmacs": best.binary_gmacs, "fma_gmacs": best.float_gmacs, "memory_gbytes_per_s": best.read_gbs}
    return [measured(record, values)]


def _limits(threads: int, rounds: int, read_bytes: int = 0) -> Limits:
    """Return the best of `rounds` measurements on the fastest instruction set."""
    meter = PeakMeter(_engine.default_isa(), threads, read_bytes)
    for _ in range(rounds):
        meter()
    return meter.limits()
