"""Messages of the library name arguments, not flags, and are sentences."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "xnorkit"
# These print commands: the command line itself, pages that say how to repeat a figure, cards of trained models.
COMMANDS = {"cli", "report", "bench", "zoo"}
FLAG = re.compile(r"(?<![\w-])--[a-z]")
# A message is a sentence, as CONTRIBUTING.md says: no "required: ..." after a semicolon or full stop.
REQUIRED = re.compile(r"[;.:] *required\b|^ *required:", re.IGNORECASE)
EVERYTHING = sorted(PACKAGE.rglob("*.py"))
FILES = [p for p in EVERYTHING if p.relative_to(PACKAGE).parts[0] not in COMMANDS]


def texts(tree: ast.AST) -> Iterator[str]:
    """Return every string of a module that is not a docstring."""
    documents = set()
    for node in ast.walk(tree):
        for child in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                documents.add(child.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documents:
            yield node.value


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_message_names_a_flag(path: Path) -> None:
    found = [text for text in texts(ast.parse(path.read_text(encoding="utf-8"))) if FLAG.search(text)]
    assert found == []


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_messages_are_sentences(path: Path) -> None:
    found = [text for text in texts(ast.parse(path.read_text(encoding="utf-8"))) if REQUIRED.search(text)]
    assert found == []
