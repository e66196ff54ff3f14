"""Altered files run, or are refused by one error, within a second and 256 MB: a few seconds of it, or as many as asked.

XNORKIT_FUZZ is the number of files; `tools/fuzz_files.py` is for long runs.
"""

import os
import sys

import pytest
from fuzzing import Tally, fuzz, outcome
from mutations import corpus, mutated

COUNT = int(os.environ.get("XNORKIT_FUZZ", "300"))


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_altered_files_run_or_are_refused() -> None:
    tally = Tally()
    fuzz(range(COUNT), tally)
    assert tally.faults == []
    assert sum(tally.counts.values()) == COUNT
    assert tally.counts["ran"] > COUNT / 10
    assert tally.counts["refused"] > COUNT / 3


@pytest.mark.parametrize(("name", "content"), corpus(), ids=[name for name, _ in corpus()])
def test_the_files_that_are_altered_run(name: str, content: bytes) -> None:
    assert outcome(content) == "ran"


def test_a_seed_gives_the_same_file() -> None:
    for seed in range(20):
        assert mutated(seed) == mutated(seed)


def test_the_fuzzer_sees_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of another kind, and a time beyond the bound."""
    monkeypatch.setattr("fuzzing.Model", lambda *_, **__: 1 / 0)
    assert outcome(corpus()[0][1]).startswith("ZeroDivisionError: ")
    tally = Tally()
    tally.add("a", "ran", 1.5)
    tally.add("b", "refused", 0.5)
    tally.add("c", "ended the process, exit code -11", 0.0)
    assert dict(tally.counts) == {"wrong": 2, "refused": 1}
    assert tally.faults == ["a: took 1.50 s", "c: ended the process, exit code -11"]
