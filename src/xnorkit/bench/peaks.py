"""What the machine can do at most, measured: multiply-adds out of registers, and bytes read out of memory."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from xnorkit import _engine

__all__ = ["Limits", "PeakMeter"]

MILLISECONDS = 1.0
MIN_READ_BYTES = 32_768
SAMPLE_BYTES = 8_000_000


@dataclass(frozen=True)
class Limits:
    """Peaks of all threads together: 1e9 multiply-adds per second of 1 bit and of 32 bits, and 1e9 bytes per second."""

    binary_gmacs: float
    float_gmacs: float
    read_gbs: float


class PeakMeter:
    """Measures the limits once per call, and gives the best: call it in every round of a benchmark.

    The arithmetic peaks are those of register-only loops of instruction set `isa` on one thread, times `threads`. The
    read bandwidth is that of NumPy's maximum over a buffer of `read_bytes` per thread's share, all threads at once: a
    buffer as large as a network's weights stays in the same level of cache as these.
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
        self._binary.append(_engine.peak_binary_gmacs(self.isa, MILLISECONDS))
        self._float.append(_engine.peak_float_gmacs(self.isa, MILLISECONDS))
        self._read.append(self._read_gbs())

    def limits(self) -> Limits:
        """Return the best so far: what disturbs a measurement is no limit of the machine."""
        return Limits(max(self._binary) * self.threads, max(self._float) * self.threads, max(self._read))

    def _read_gbs(self) -> float:
        if self.threads == 1:
            return self._read_one(0)
        with ThreadPoolExecutor(self.threads) as pool:
            return sum(pool.map(self._read_one, range(self.threads)))

    def _read_one(self, thread: int) -> float:
        """Return 1e9 bytes per second of one thread that reads its buffer again and again in one call."""
        buffer, maxima = self._buffers[thread], self._maxima[thread]
        rows = np.broadcast_to(buffer, (len(maxima), len(buffer)))
        start = time.perf_counter()
        np.maximum.reduce(rows, axis=1, out=maxima)
        return buffer.nbytes * len(maxima) / (time.perf_counter() - start) / 1e9
