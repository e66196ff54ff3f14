"""docs/results is what its own records draw."""

import re
from pathlib import Path

import pytest
from page_numbers import disagreements, read_page, stored

from xnorkit.report.page import write_page

RESULTS = Path(__file__).resolve().parents[3] / "docs" / "results"


@pytest.fixture(scope="module")
def drawn_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("results")
    write_page(RESULTS, output)
    return output


def test_report_is_the_same_text(drawn_again: Path) -> None:
    assert (drawn_again / "report.md").read_bytes() == (RESULTS / "report.md").read_bytes()


def test_figures_say_the_same(drawn_again: Path) -> None:
    """Text alone: how matplotlib writes paths differs between its versions."""
    names = sorted(path.name for path in (RESULTS / "figures").iterdir())
    assert sorted(path.name for path in (drawn_again / "figures").iterdir()) == names
    for name in names:
        texts = [
            re.findall(r"<text[^>]*>([^<]*)", (folder / "figures" / name).read_text(encoding="utf-8"))
            for folder in (RESULTS, drawn_again)
        ]
        assert texts[0] == texts[1]


def test_every_number_equals_its_record(drawn_again: Path) -> None:
    assert disagreements(read_page(drawn_again / "index.html").numbers, stored(RESULTS)) == []


def test_all_of_it_is_small_and_names_no_folder_of_a_machine() -> None:
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2_000_000
    for path in files:
        if path.suffix in (".jsonl", ".md", ".html", ".svg"):
            assert not re.search(r"/(tmp|home|work|root|Users)/", path.read_text(encoding="utf-8")), path
