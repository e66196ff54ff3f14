"""Interleaved timing, and the limits of the machine."""

import time

import pytest

from xnorkit import _engine
from xnorkit.bench import peaks, timing
from xnorkit.bench.peaks import PeakMeter, bench_peaks, joint_rate
from xnorkit.bench.tables import peak_table
from xnorkit.bench.timing import SelfTimed, check_run, interleaved
from xnorkit.errors import InputError


class Clock:
    """Time that passes only while somebody sleeps; `work` also takes the processor."""

    def __init__(self) -> None:
        self.wall = self.processor = 0.0

    def perf_counter(self) -> float:
        return self.wall

    def process_time(self) -> float:
        return self.processor

    def sleep(self, seconds: float) -> None:
        self.wall += seconds

    def work(self, seconds: float) -> None:
        self.wall += seconds
        self.processor += seconds


def test_interleaved_takes_the_times_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    candidates = {"sleeps": lambda: clock.sleep(3e-3), "works": lambda: clock.work(5e-4)}
    times = interleaved(candidates, seconds=0.1)
    assert times["sleeps"].median_us == pytest.approx(3000)
    assert times["works"].median_us == pytest.approx(500)
    assert (times["sleeps"].calls, times["works"].calls) == (1, 2)
    assert times["sleeps"].samples == times["works"].samples == 15
    assert times["sleeps"].cores == 0
    assert times["works"].cores == pytest.approx(1)


def test_minimum_and_quartiles_of_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    lengths = iter([0.11, *(0.11 + 0.01 * number for number in range(100))])  # a long call: one per round
    times = interleaved({"longer": lambda: clock.work(next(lengths))}, seconds=0.1, min_rounds=5)["longer"]
    assert (times.min_us, times.median_us) == (pytest.approx(110_000), pytest.approx(130_000))
    assert times.quartiles_us == (pytest.approx(120_000), pytest.approx(140_000))


def test_a_candidate_may_time_itself() -> None:
    times = interleaved({"own": SelfTimed(lambda: 7.0), "other": lambda: None}, seconds=0.01, min_rounds=2)
    assert times["own"].median_us == times["own"].min_us == 7.0


def test_long_calls_are_sampled_once_per_round() -> None:
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.11)

    interleaved({"long": call}, seconds=0.01, min_rounds=2)
    assert calls == 3  # one to find out, one per round


def test_a_candidate_that_raises_is_left_out() -> None:
    errors: dict[str, Exception] = {}
    calls = 0

    def warm_up_fails() -> None:
        raise KeyError("a")

    def round_fails() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.11)  # a long call: one to find out, then one per round
        if calls == 2:
            raise ValueError("b")

    candidates = {"a": warm_up_fails, "good": lambda: None, "b": round_fails}
    times = interleaved(candidates, seconds=0.01, min_rounds=4, on_error=errors.__setitem__)
    assert list(times) == ["good"]
    assert times["good"].samples == 4
    assert {name: str(error) for name, error in errors.items()} == {"a": "'a'", "b": "b"}
    assert calls == 2
    assert interleaved({"a": warm_up_fails}, on_error=errors.__setitem__) == {}
    with pytest.raises(KeyError, match="a"):
        interleaved({"good": lambda: None, "a": warm_up_fails}, seconds=0.01)


def test_bad_runs() -> None:
    with pytest.raises(InputError, match="threads=0"):
        check_run(0, 1.0)
    with pytest.raises(InputError, match="seconds=-1"):
        check_run(1, -1)


def test_limits_are_of_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks._engine, "peak_binary_gmacs", lambda isa, milliseconds: 100.0)
    monkeypatch.setattr(peaks._engine, "peak_float_gmacs", lambda isa, milliseconds: 10.0)
    for threads in (1, 2):
        limits = PeakMeter("portable", threads, 100_000).limits()
        # Of several threads: their work over the time from the first start to the last end, so never more.
        assert limits.binary_gmacs <= 100.0 * threads * (1 + 1e-9)
        assert limits.float_gmacs <= 10.0 * threads * (1 + 1e-9)
        assert limits.read_gbs > 0
        if threads == 1:
            assert (limits.binary_gmacs, limits.float_gmacs) == (100.0, 10.0)


@pytest.mark.parametrize(
    ("runs", "rate"),
    [
        ([(0, 10, 100)], 100),
        ([(0, 10, 100), (0, 10, 80)], 180),
        ([(0, 10, 100), (10, 20, 100)], 100),  # in turns
        ([(0, 10, 100), (0, 20, 100)], 150),  # the second may have waited in its call, or not
        ([(0, 10, 100), (5, 15, 100)], 2000 / 15),
    ],
)
def test_threads_that_take_turns_are_not_counted_as_one_speed_each(
    runs: list[tuple[float, float, float]], rate: float
) -> None:
    assert joint_rate(runs) == pytest.approx(rate)


def test_limits_by_number_of_threads() -> None:
    one, two = bench_peaks(isa="portable", threads=(1, 2), seconds=0.05, read_bytes=1_000_000)
    assert (one.threads, one.binary_scaling, one.float_scaling, one.read_scaling) == (1, 1.0, 1.0, 1.0)
    assert two.binary_scaling == pytest.approx(two.binary_gmacs / one.binary_gmacs)
    assert set(two.to_json()) >= {"isa", "threads", "binary_gmacs", "float_gmacs", "read_gbs"}
    title, columns, cells, _ = peak_table([one, two])
    assert "portable" in title
    assert len(columns) == len(cells[0]) == 4
    with pytest.raises(InputError, match="isa 'foo', but this CPU"):
        bench_peaks(isa="foo")


def test_float_peak_is_no_more_than_the_widest_registers_allow() -> None:
    # 64 multiply-adds per cycle would be four 512-bit units; no processor below 8 GHz reaches 512 GMAC/s. A loop whose
    # accumulators the compiler has merged does: it once gave four times the truth.
    assert _engine.peak_float_gmacs(_engine.default_isa(), 20.0) < 200
