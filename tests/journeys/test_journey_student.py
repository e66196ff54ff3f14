"""A student: docs/get-started.md, command by command; the report, minutes long, with XNORKIT_JOURNEYS=all."""

import os
from pathlib import Path

import pytest
from documents import commands, section, typed

PAGE = "docs/get-started.md"


def test_the_first_network(tmp_path: Path) -> None:
    lines = commands(section(PAGE, "## From the command line"))
    assert lines[0].startswith("xnorkit train lenet5-digits")
    assert len(lines) >= 7
    for line in lines:
        if "report" not in line:
            typed(line, tmp_path)
    assert (tmp_path / "first.xnor").is_file()


@pytest.mark.skipif(os.environ.get("XNORKIT_JOURNEYS") != "all", reason="takes minutes; set XNORKIT_JOURNEYS=all")
def test_the_report(tmp_path: Path) -> None:
    (line,) = [line for line in commands(section(PAGE, "## From the command line")) if "report" in line]
    typed(line, tmp_path)
    assert (tmp_path / "report" / "index.html").is_file()
