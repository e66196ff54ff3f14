"""Code in documents: a comment stands above its line, where no page cuts it off."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
MARKS = {"bash": "#", "python": "#", "yaml": "#", "cmake": "#", "c": "//", "cpp": "//", "js": "//"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_comment_stands_behind_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        mark = MARKS.get(language)
        if mark:
            behind = [line for line in code.splitlines() if re.search(rf"\S +{mark} ", line)]
            assert [line for line in behind if not line.lstrip().startswith(mark)] == []
