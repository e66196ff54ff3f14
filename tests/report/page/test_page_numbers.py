"""Every number of the page equals the stored value that it cites, rounded as shown; there are no others."""

import re
from pathlib import Path

import pytest
from page_numbers import TERMS, computed, disagreements, markdown_numbers, read_page, stored

Drawn = tuple[Path, Path]


def test_every_number_equals_what_it_cites(drawn: Drawn) -> None:
    records, page = drawn
    numbers = read_page(page / "index.html").numbers
    assert len(numbers) > 400
    assert disagreements(numbers, stored(records)) == []


def test_no_digit_stands_outside_of_a_number_a_name_or_a_command(drawn: Drawn) -> None:
    words = " ".join(read_page(drawn[1] / "index.html").words)
    left = TERMS.sub("", words)
    assert re.findall(r"[^ ]*\d[^ ]*", left) == []


def test_a_wrong_number_is_found(drawn: Drawn) -> None:
    records, page = drawn
    numbers = read_page(page / "index.html").numbers
    known = stored(records)
    known["inference/lenet5/xnor/xnorkit/t1/b1"]["values"]["median_us"] *= 1.01
    assert disagreements(numbers, known)


def test_markdown_says_the_same_numbers_in_the_same_order(drawn: Drawn) -> None:
    page = read_page(drawn[1] / "index.html")
    words = markdown_numbers((drawn[1] / "report.md").read_text(encoding="utf-8"))
    at = 0
    for shown in page.numbers:
        number = shown.text.replace("\xa0", " ").partition(" ")[0]
        try:
            at = words.index(number, at) + 1
        except ValueError:
            pytest.fail(f"report.md does not say {shown.text} ({shown.source}) where the page does")


def test_sources_are_arithmetic_on_records() -> None:
    records = {"a": {"values": {"x": 6.0, "curve": [1.0, 2.0]}}, "b": {"values": {"x": 3.0}}}
    assert computed("([a|x] / [b|x])", records) == 2.0
    assert computed("mean([a|x], [b|x], [a|curve|-1])", records) == pytest.approx(11 / 3)
    assert computed("count([a|x], [b|x])", records) == 2.0


def test_no_cell_is_empty(drawn: Drawn) -> None:
    assert all(read_page(drawn[1] / "index.html").cells)
