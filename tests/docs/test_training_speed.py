"""docs/training-speed.md: its Python runs and prints what stands below it; its figure is that of the code."""

import contextlib
import importlib.util
import io
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "training-speed.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


def test_python_blocks() -> None:
    names: dict[str, Any] = {}
    blocks = [block for block in BLOCK.findall(PAGE) if "reuse_memory" not in block[0]]  # which lasts: see below
    assert len(blocks) == 2
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == expected


def test_the_block_that_keeps_memory_names_what_exists() -> None:
    (code,) = [code for code, _ in BLOCK.findall(PAGE) if "reuse_memory" in code]
    compile(code, "training-speed.md", "exec")
    from xnorkit.train import memory

    assert callable(memory.reuse_memory)


def test_contents_link_to_headings() -> None:
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"\]\(#([^)]*)\)", PAGE) == anchors


def test_the_figure_is_that_of_the_code() -> None:
    pytest.importorskip("matplotlib")
    script = DOCS / "figures" / "draw_signed_sums.py"
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stored = (DOCS / "figures" / "signed-sums.svg").read_text(encoding="utf-8")
    texts = re.compile(r"<text [^>]*>(.*?)</text>", re.DOTALL)
    assert texts.findall(stored) == texts.findall(module.draw()), "run docs/figures/draw_signed_sums.py"
    assert "prefers-color-scheme:dark" in stored
    assert module.signed_sums()[-1] == -sum(module.VALUES)
