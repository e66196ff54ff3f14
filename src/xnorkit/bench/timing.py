"""Interleaved timing: every candidate is measured in every round, so that noise of the machine meets all alike."""

import statistics
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from xnorkit.errors import InputError
from xnorkit.runtime.model import MAX_THREADS

__all__ = ["Timing", "check_run", "interleaved"]

SAMPLE_SECONDS = 1e-3
WARM_UP_SECONDS = 0.05


@dataclass(frozen=True)
class Timing:
    """Microseconds per call: median and minimum over `samples` samples, each the mean of `calls` calls."""

    median_us: float
    min_us: float
    samples: int
    calls: int


def check_run(against: Collection[str], engines: Collection[str], threads: int, seconds: float) -> None:
    """Check what all benchmarks are asked for.

    Raises:
        InputError: an engine of `against` is unknown, `threads` is not from 1 to 256, or `seconds` is not positive.
    """
    for engine in against:
        if engine not in engines:
            raise InputError(f"--against {engine}; required: any of {', '.join(engines)}, or none.")
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads={threads}; required: an integer from 1 to {MAX_THREADS}.")
    if not 0 < seconds < float("inf"):
        raise InputError(f"seconds={seconds}; required: a positive number.")


def interleaved(
    candidates: Mapping[str, Callable[[], object]],
    *,
    seconds: float = 2.0,
    min_rounds: int = 15,
    each_round: Callable[[], object] | None = None,
) -> dict[str, Timing]:
    """Return the time per call of each candidate, measured in turns.

    Each sample repeats a call for about one millisecond, so that the clock's resolution does not matter; rounds go on
    for `seconds` in all and at least `min_rounds`. The first 50 ms of each candidate warm it up and are not counted.
    `each_round` is called once per round, for a measurement of another kind under the same noise.
    """
    calls = {name: _calls_per_sample(call) for name, call in candidates.items()}
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < min_rounds or time.perf_counter() < end:
        for name, call in candidates.items():
            samples[name].append(_sample(call, calls[name]))
        if each_round is not None:
            each_round()
        rounds += 1
    return {
        name: Timing(statistics.median(times), min(times), len(times), calls[name]) for name, times in samples.items()
    }


def _calls_per_sample(call: Callable[[], object]) -> int:
    best = float("inf")
    end = time.perf_counter() + WARM_UP_SECONDS
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return max(1, round(SAMPLE_SECONDS / best))


def _sample(call: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls * 1e6
