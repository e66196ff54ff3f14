"""The Python blocks of docs/how-xnor-net-works.md run in order and print what stands below them."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import torch

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-xnor-net-works.md"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
HEADING = re.compile(r"^#{2,3} (.*)$", re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_python_blocks() -> None:
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 7
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == expected


def test_links_within_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = {anchor(heading) for heading in HEADING.findall(text)}
    links = set(re.findall(r"\]\(#([^)]*)\)", text))
    assert len(links) > 13
    assert links <= headings
