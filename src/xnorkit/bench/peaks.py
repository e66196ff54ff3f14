"""The measured limits of the machine: multiply-adds in registers, and bytes read from memory."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import numpy as np

from xnorkit import _engine
from xnorkit.bench.timing import Row, check_run
from xnorkit.errors import InputError

__all__ = ["Limits", "PeakMeter", "PeakResult", "bench_peaks", "check_isa", "joint_rate"]

MILLISECONDS = 1.0
TOGETHER_MILLISECONDS = 4.0
"""Of several threads: they do not begin at the same microsecond."""
MIN_READ_BYTES = 32_768
SAMPLE_BYTES = 8_000_000
READ_BYTES = 64_000_000


def check_isa(isa: str) -> str:
    """Return `isa`, or the default if it is empty.

    Raises:
        InputError: this CPU or build does not have it.
    """
    isa = isa or _engine.default_isa()
    if isa not in _engine.isas():
        raise InputError(f"isa '{isa}', but this CPU and build have {', '.join(_engine.isas())}. Choose one of these.")
    return isa


@dataclass(frozen=True)
class Limits:
    """Peaks of all threads together: 1e9 multiply-adds per second of 1 bit and of 32 bits, and 1e9 bytes per second."""

    binary_gmacs: float
    float_gmacs: float
    read_gbs: float


class PeakMeter:
    """Measures the limits once per call and keeps the best: call it in every round of a benchmark.

    All are measured on all threads at once, since two threads of one core, or cores that share power, give less than
    twice one. The arithmetic peaks are those of register-only loops of instruction set `isa`. The read bandwidth is
    that of NumPy's maximum over a buffer of `read_bytes` per thread's share: a buffer as large as a network's weights
    stays in the same level of cache as these.
    """

    def __init__(self, isa: str, threads: int, read_bytes: int) -> None:
        self.isa, self.threads = isa, threads
        size = max(read_bytes, MIN_READ_BYTES) // 4 // threads
        self._buffers = [np.ones(size, dtype=np.int32) for _ in range(threads)]
        repeats = max(1, SAMPLE_BYTES // (4 * size))
        self._maxima = [np.empty(repeats, dtype=np.int32) for _ in range(threads)]
        self._binary: list[float] = []
        self._float: list[float] = []
        self._read: list[float] = []
        self()

    def __call__(self) -> None:
        """Measure each limit once."""
        duration = MILLISECONDS if self.threads == 1 else TOGETHER_MILLISECONDS
        self._binary.append(self._together(lambda _: _engine.peak_binary_gmacs(self.isa, duration)))
        self._float.append(self._together(lambda _: _engine.peak_float_gmacs(self.isa, duration)))
        self._read.append(self._together(self._read_one))

    def limits(self) -> Limits:
        """Return the best limits so far, because disturbances do not count as limits of the machine."""
        return Limits(max(self._binary), max(self._float), max(self._read))

    def _together(self, measure: Callable[[int], float]) -> float:
        """Return the rate of all threads together, which run at the same time."""
        if self.threads == 1:
            return measure(0)
        ready = Barrier(self.threads)

        def one(thread: int) -> tuple[float, float, float]:
            ready.wait()
            start = time.perf_counter()
            rate = measure(thread)
            return start, time.perf_counter(), rate

        with ThreadPoolExecutor(self.threads) as pool:
            return joint_rate(list(pool.map(one, range(self.threads))))

    def _read_one(self, thread: int) -> float:
        """Return 1e9 bytes per second of one thread that reads its buffer repeatedly in one call."""
        buffer, maxima = self._buffers[thread], self._maxima[thread]
        rows = np.broadcast_to(buffer, (len(maxima), len(buffer)))
        start = time.perf_counter()
        np.maximum.reduce(rows, axis=1, out=maxima)
        return buffer.nbytes * len(maxima) / (time.perf_counter() - start) / 1e9


def joint_rate(runs: Sequence[tuple[float, float, float]]) -> float:
    """Return the rate of all threads, of the start, end and rate of each: all work over first start to last end.

    The sum of the rates would be too high if one had to wait until another released its processor.
    """
    work = sum(rate * (end - start) for start, end, rate in runs)
    return work / (max(end for _, end, _ in runs) - min(start for start, _, _ in runs))


@dataclass(frozen=True)
class PeakResult(Row):
    """One row: the limits of a number of threads, and their ratios to those of the first row.

    gmacs: 1e9 multiply-adds per second of 1 bit and of 32 bits; read_gbs: 1e9 bytes per second from `read_bytes` bytes.
    """

    isa: str
    threads: int
    binary_gmacs: float
    float_gmacs: float
    read_bytes: int
    read_gbs: float
    binary_scaling: float
    float_scaling: float
    read_scaling: float


def bench_peaks(
    *, isa: str = "", threads: Sequence[int] = (1, 2), seconds: float = 1.0, read_bytes: int = READ_BYTES
) -> list[PeakResult]:
    """Return the limits of each number of threads, measured in turns, which bound the gain from more threads.

    Args:
        isa: the instruction set of the loops; empty for the fastest.
        threads: the numbers of threads, one row each.
        seconds: the total time of measurement.
        read_bytes: the size of all buffers together.

    Raises:
        InputError: `check_run` refuses the rest, or the CPU does not support `isa`.
    """
    for count in threads:
        check_run(count, seconds)
    name = check_isa(isa)
    meters = [PeakMeter(name, count, read_bytes) for count in threads]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for meter in meters:
            meter()
    limits = [meter.limits() for meter in meters]
    first = limits[0]
    return [
        PeakResult(
            isa=name,
            threads=count,
            binary_gmacs=limit.binary_gmacs,
            float_gmacs=limit.float_gmacs,
            read_bytes=read_bytes,
            read_gbs=limit.read_gbs,
            binary_scaling=limit.binary_gmacs / first.binary_gmacs,
            float_scaling=limit.float_gmacs / first.float_gmacs,
            read_scaling=limit.read_gbs / first.read_gbs,
        )
        for count, limit in zip(threads, limits, strict=True)
    ]
