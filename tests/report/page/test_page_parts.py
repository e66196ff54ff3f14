"""Numbers that carry their source, their rounding, and labels that keep apart."""

from itertools import pairwise

import pytest
from page_numbers import computed

from xnorkit.report.page.cited import Cited, cite, count, least, mean, most, total
from xnorkit.report.page.plots.labels import _spread
from xnorkit.report.page.shown import bytes_, count_, percent, points, seconds, short, times, us
from xnorkit.report.records import Record

A, B = Cited(6.0, "[a|x]"), Cited(4.0, "[b|x]")
RECORDS = {"a": {"values": {"x": 6.0}}, "b": {"values": {"x": 4.0}}}


@pytest.mark.parametrize(
    "cited", [A / B, A * B, A - B, -A, abs(B - A), abs(A - B), mean([A, B]), total([A, B]), count([A, B]), (A - B) / B]
)
def test_arithmetic_gives_value_and_source_alike(cited: Cited) -> None:
    assert computed(cited.source, RECORDS) == pytest.approx(cited.value)


def test_the_least_and_the_most_are_themselves() -> None:
    assert least([A, B]) is B
    assert most([A, B]) is A
    assert mean([A]) is A


def test_cite_takes_values_then_subject_then_nothing() -> None:
    record = Record("r", "curve", {"epochs": 5, "run": "x"}, {"top1": 0.5, "loss": [3.0, None, 1.0], "none": None})
    assert cite(record, "top1") == Cited(0.5, "[r|top1]")
    assert cite(record, "epochs") == Cited(5, "[r|epochs]")
    assert cite(record, "loss", -1) == Cited(1.0, "[r|loss|-1]")
    assert [cite(record, "loss", 1), cite(record, "none"), cite(record, "run"), cite(None, "x")] == [None] * 4


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (percent(Cited(0.99354, "")), "99.35 %"),
        (points(Cited(-0.0021, ""), signed=True), "−0.21 points"),
        (points(Cited(0.0021, ""), signed=True), "+0.21 points"),
        (points(Cited(-0.000001, ""), signed=True), "0.00 points"),
        (times(Cited(0.534, "")), "0.53"),
        (times(Cited(5.678, "")), "5.7"),
        (times(Cited(130.4, "")), "130"),
        (us(Cited(23.04, "")), "23.0 µs"),
        (us(Cited(3660.0, "")), "3.66 ms"),
        (us(Cited(2_500_000.0, "")), "2.50 s"),
        (bytes_(Cited(999, "")), "999 B"),
        (bytes_(Cited(82_582, "")), "82.6 KB"),
        (bytes_(Cited(1_150_000_000, "")), "1.15 GB"),
        (seconds(Cited(0.25, "")), "250 ms"),
        (seconds(Cited(5400, "")), "1.50 h"),
        (count_(Cited(37_000_000, "")), "37,000,000"),
        (short(Cited(431_220, "")), "431 k"),
    ],
)
def test_numbers_are_written_with_unit_and_sensible_decimals(number: object, text: str) -> None:
    assert str(number) == text


@pytest.mark.parametrize(
    "centres", [[0.5, 0.5, 0.5], [0.0, 0.01, 0.02], [0.97, 0.99, 1.2], [-3.0, 0.4, 0.45], [0.1, 0.9]]
)
def test_labels_do_not_overlap_nor_leave_the_box(centres: list[float]) -> None:
    heights = [0.1] * len(centres)
    placed = _spread(centres, heights)
    assert placed == sorted(placed)
    assert all(b - a >= 0.1 - 1e-9 for a, b in pairwise(placed))
    assert min(placed) >= 0.05 - 1e-9
    assert max(placed) <= 0.95 + 1e-9
