"""What the machine can do at most."""

from collections.abc import Iterable

from xnorkit import _engine
from xnorkit.bench.peaks import Limits, PeakMeter
from xnorkit.report.records import Record
from xnorkit.report.study.step import Step, blank, measured
from xnorkit.report.study.study import Study

__all__ = ["limits", "steps"]

ROUNDS = 30
MEMORY_BYTES = 256_000_000


def steps(study: Study) -> Iterable[Step]:
    """Yield the peaks of one thread, and of as many as are asked for."""
    for threads in sorted({1, study.threads}):
        yield _step(threads)


def limits(threads: int, rounds: int = ROUNDS, read_bytes: int = 0) -> Limits:
    """Return the best of `rounds` measurements on the fastest instruction set."""
    meter = PeakMeter(_engine.default_isa(), threads, read_bytes)
    for _ in range(rounds):
        meter()
    return meter.limits()


def _step(threads: int) -> Step:
    record = blank("peaks", f"t{threads}", {"threads": threads}, "xnorkit report --only peaks")

    def measure() -> Iterable[Record]:
        best = limits(threads, read_bytes=MEMORY_BYTES)
        values = {
            "binary_gmacs": best.binary_gmacs,
            "fma_gmacs": best.float_gmacs,
            "memory_gbytes_per_s": best.read_gbs,
        }
        yield measured(record, values)

    return Step(f"peaks of the machine, threads {threads}", 4.0, [record], measure)
