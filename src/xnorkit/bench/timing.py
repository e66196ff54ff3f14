"""Interleaved timing: every candidate is measured in every round, so that noise of the machine meets all alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Timing", "interleaved"]

SAMPLE_SECONDS = 1e-3
WARM_UP_SECONDS = 0.05


@dataclass(frozen=True)
class Timing:
    """Microseconds per call: median and minimum over `samples` samples, each the mean of `calls` calls."""

    median_us: float
    min_us: float
    samples: int
    calls: int


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
