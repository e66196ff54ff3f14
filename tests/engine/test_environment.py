import os

import pytest

from xnorkit import _engine


def test_isas_end_with_the_two_that_run_everywhere():
    assert _engine.isas()[-2:] == ["portable", "reference"]


def test_fastest_is_the_default(monkeypatch):
    monkeypatch.delenv("XNORKIT_ISA", raising=False)
    assert _engine.default_isa() == _engine.isas()[0]
    assert _engine.Program("image", 1, 1, 1).isa == _engine.isas()[0]


@pytest.mark.parametrize("isa", _engine.isas())
def test_isa_is_forced(monkeypatch, isa):
    monkeypatch.setenv("XNORKIT_ISA", isa)
    assert _engine.default_isa() == isa
    assert _engine.Program("image", 1, 1, 1).isa == isa


def test_argument_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("XNORKIT_ISA", "reference")
    assert _engine.Program("image", 1, 1, 1, isa="portable").isa == "portable"


def test_unknown_isa(monkeypatch):
    monkeypatch.setenv("XNORKIT_ISA", "sse9")
    with pytest.raises(ValueError, match=r"XNORKIT_ISA is 'sse9', but it must be one .*portable, reference\. Unset it"):
        _engine.default_isa()
    with pytest.raises(ValueError, match="XNORKIT_ISA is 'sse9'"):
        _engine.Program("image", 1, 1, 1)


def test_threads_default_to_cores(monkeypatch):
    monkeypatch.delenv("XNORKIT_THREADS", raising=False)
    assert 1 <= _engine.default_threads() <= (os.cpu_count() or 1)


def test_threads_are_forced(monkeypatch):
    monkeypatch.setenv("XNORKIT_THREADS", "5")
    assert _engine.default_threads() == 5


@pytest.mark.parametrize("value", ["0", "-1", "two", "2x", "1000", "99999999999999999999"])
def test_impossible_threads(monkeypatch, value):
    monkeypatch.setenv("XNORKIT_THREADS", value)
    with pytest.raises(ValueError, match=f"XNORKIT_THREADS is '{value}', but it must be a whole number from 1 to 256"):
        _engine.default_threads()


@pytest.mark.parametrize("isa", _engine.isas())
def test_peak(isa):
    assert _engine.peak_binary_gmacs(isa, milliseconds=2) > 0
    assert _engine.peak_float_gmacs(isa, milliseconds=2) > 0
