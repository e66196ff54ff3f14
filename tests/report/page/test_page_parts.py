"""Numbers that carry their source, and their rounding."""

import pytest
from page_numbers import computed

from xnorkit.report.page.numbers import Cited, cite, count, difference, mean, ratio, total, written
from xnorkit.report.records import Record

A, B = Cited(6.0, "[a|x]"), Cited(4.0, "[b|x]")
RECORDS = {"a": {"values": {"x": 6.0}}, "b": {"values": {"x": 4.0}}}


@pytest.mark.parametrize(
    "cited",
    [ratio(A, B), difference(A, B), difference(B, A), mean([A, B]), total([A, B]), count([A, B]), mean([A])],
)
def test_arithmetic_gives_value_and_source_alike(cited: Cited) -> None:
    assert computed(cited.source, RECORDS) == pytest.approx(cited)


def test_what_is_missing_stays_missing() -> None:
    assert ratio(A, None) is ratio(None, B) is total([]) is None


def test_cite_takes_values_then_subject_then_nothing() -> None:
    record = Record("r", "curve", {"epochs": 5, "run": "x"}, {"top1": 0.5, "loss": [3.0, None, 1.0], "none": None})
    for name, index, value, source in (
        ("top1", None, 0.5, "[r|top1]"),
        ("epochs", None, 5, "[r|epochs]"),
        ("loss", -1, 1.0, "[r|loss|-1]"),
    ):
        found = cite(record, name, index)
        assert found is not None
        assert (found, found.source) == (value, source)
    assert [cite(record, "loss", 1), cite(record, "none"), cite(record, "run"), cite(None, "x")] == [None] * 4


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("percent", 0.99354, "99.35 %"),
        ("signed_points", -0.0021, "−0.21 points"),
        ("signed_points", 0.0021, "+0.21 points"),
        ("signed_points", -0.000001, "0.00 points"),
        ("times", 0.534, "0.53"),
        ("times", 5.678, "5.7"),
        ("times", 130.4, "130"),
        ("us", 23.04, "23.0 µs"),
        ("us", 3660.0, "3.66 ms"),
        ("us", 2_500_000.0, "2.50 s"),
        ("bytes", 999, "999 B"),
        ("bytes", 82_582, "82.6 KB"),
        ("bytes", 1_150_000_000, "1.15 GB"),
        ("seconds", 0.25, "250 ms"),
        ("seconds", 5400, "1.50 h"),
        ("whole", 37_000_000, "37,000,000"),
        ("params", 431_220, "431 k"),
    ],
)
def test_numbers_are_written_with_unit_and_sensible_decimals(kind: str, value: float, text: str) -> None:
    assert " ".join(filter(None, written(kind, value))) == text
