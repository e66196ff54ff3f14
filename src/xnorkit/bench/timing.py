"""Interleaved timing: every round measures every candidate, so that the machine's noise affects all alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial

from xnorkit.errors import InputError
from xnorkit.runtime.model import MAX_THREADS

__all__ = ["Row", "SelfTimed", "Timing", "check_run", "interleaved"]

SAMPLE_SECONDS = 1e-3
WARM_UP_SECONDS = 0.05
REST_SECONDS = 3e-3
LONG_CALL_SECONDS = 0.1


@dataclass(frozen=True)
class Row:
    """A row of a benchmark; its field names are fixed so that figures can be compared over time."""

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Timing:
    """Microseconds per call: median and minimum over `samples` samples, each the mean of `calls` calls.

    quartiles_us: the limits of the middle half of the samples. cores: processor time of the whole process over
    wall time, the median of the samples, which is the number of cores in use.
    """

    median_us: float
    min_us: float
    samples: int
    calls: int
    cores: float
    quartiles_us: tuple[float, float]


@dataclass(frozen=True)
class SelfTimed:
    """A candidate whose call returns the microseconds that a profiler inside it measured."""

    call: Callable[[], float]

    def __call__(self) -> float:
        """Return one call's microseconds."""
        return self.call()


def check_run(threads: int, seconds: float) -> None:
    """Check the arguments that all benchmarks share.

    Raises:
        InputError: `threads` is not from 1 to 256, or `seconds` is not positive.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads={threads}, but it must be an integer from 1 to {MAX_THREADS}.")
    if not 0 < seconds < float("inf"):
        raise InputError(f"seconds={seconds}, but it must be a positive number.")


def interleaved(
    candidates: Mapping[str, Callable[[], object]],
    *,
    seconds: float = 2.0,
    min_rounds: int = 15,
    each_round: Callable[[], object] | None = None,
    on_error: Callable[[str, Exception], None] | None = None,
) -> dict[str, Timing]:
    """Return the time per call of each candidate, measured in turns.

    Each sample repeats a call for about one millisecond, so that the clock's resolution does not matter; rounds go on
    for `seconds` in all and at least `min_rounds`, and each begins with another candidate. The first 50 ms of each
    candidate warm it up and are not counted. Before a sample the process rests for 3 ms, so that threads of the last
    candidate that still spin do not disturb, and one call (unless it is long) brings caches and threads back.
    `each_round` is called once per round, for a measurement of another kind under the same noise.

    Args:
        candidates: the names and calls.
        seconds: the time of all rounds together.
        min_rounds: the least number of rounds, even if they take longer.
        each_round: another function to call in each round.
        on_error: takes the name and exception of a candidate that raises, which is then left out of the rest and of the
            result, or raises itself; None raises every exception.
    """
    samples: dict[str, list[_Sample]] = {}
    calls: dict[str, int] = {}

    def attempt(name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            if on_error is None:
                raise
            on_error(name, error)
            samples.pop(name, None)

    def warm_up(name: str) -> None:
        calls[name] = _calls_per_sample(candidates[name])
        samples[name] = []

    def take(name: str, alone: bool) -> None:
        samples[name].append(_sample(candidates[name], calls[name], alone=alone))

    for name in candidates:
        attempt(name, partial(warm_up, name))
    end = time.perf_counter() + seconds
    rounds = 0
    while samples and (rounds < min_rounds or time.perf_counter() < end):
        names = list(samples)
        first = rounds % len(candidates)
        for name in names[first:] + names[:first]:
            attempt(name, partial(take, name, len(names) == 1))
        if each_round is not None:
            each_round()
        rounds += 1
    return {name: _timing(taken, calls[name]) for name, taken in samples.items()}


@dataclass(frozen=True)
class _Sample:
    us: float
    wall: float
    processor: float


def _timing(samples: list[_Sample], calls: int) -> Timing:
    times = [sample.us for sample in samples]
    cores = statistics.median(sample.processor / sample.wall for sample in samples)
    lower, _, upper = statistics.quantiles(times, n=4, method="inclusive")
    return Timing(statistics.median(times), min(times), len(times), calls, cores, (lower, upper))


def _calls_per_sample(call: Callable[[], object]) -> int:
    best = float("inf")
    end = time.perf_counter() + WARM_UP_SECONDS
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    # 0 means one call, which is too long to repeat for warming up.
    return max(1, round(SAMPLE_SECONDS / best)) if best < LONG_CALL_SECONDS else 0


def _sample(call: Callable[[], object], calls: int, *, alone: bool) -> _Sample:
    if not alone:
        time.sleep(REST_SECONDS)
    if calls:
        call()
    own = 0.0
    processor, start = time.process_time(), time.perf_counter()
    for _ in range(max(1, calls)):
        result = call()
        if isinstance(call, SelfTimed):
            own += float(result)  # type: ignore[arg-type]
    wall = time.perf_counter() - start
    processor = time.process_time() - processor
    total = own if isinstance(call, SelfTimed) else wall * 1e6
    return _Sample(total / max(1, calls), wall, processor)
