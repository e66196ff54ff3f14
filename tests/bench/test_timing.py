"""Interleaved timing, and the limits of the machine."""

import time

import pytest

from xnorkit import _engine
from xnorkit.bench import peaks
from xnorkit.bench.peaks import PeakMeter
from xnorkit.bench.timing import SelfTimed, check_run, interleaved
from xnorkit.errors import InputError


def test_interleaved_orders_by_time() -> None:
    times = interleaved({"slow": lambda: time.sleep(3e-3), "fast": lambda: time.sleep(5e-4)}, seconds=0.1)
    assert times["slow"].median_us > 2 * times["fast"].median_us
    assert 3000 <= times["slow"].min_us <= times["slow"].median_us
    assert times["slow"].samples == times["fast"].samples >= 15
    assert times["slow"].cores < 0.5  # it sleeps


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
        assert (limits.binary_gmacs, limits.float_gmacs) == (100.0 * threads, 10.0 * threads)
        assert limits.read_gbs > 0.1


def test_float_peak_is_no_more_than_the_widest_registers_allow() -> None:
    # 64 multiply-adds per cycle would be four 512-bit units; no processor below 8 GHz reaches 512 GMAC/s. A loop whose
    # accumulators the compiler has merged does: it once gave four times the truth.
    assert _engine.peak_float_gmacs(_engine.default_isa(), 20.0) < 200
