"""Messages of the library and of its engine name arguments, not flags, and are sentences."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "xnorkit"
# These print commands: the command line itself, pages that say how to repeat a figure, cards of trained models.
COMMANDS = {"cli", "report", "bench", "zoo"}
FLAG = re.compile(r"(?<![\w-])--[a-z]")
# A message is a sentence, as CONTRIBUTING.md says: no "required: ..." after a semicolon or full stop.
REQUIRED = re.compile(r"[;.:] *required\b|^ *required:", re.IGNORECASE)
EVERYTHING = sorted(PACKAGE.rglob("*.py"))
FILES = [p for p in EVERYTHING if p.relative_to(PACKAGE).parts[0] not in COMMANDS]
CPP_FOLDERS = ("engine/src", "engine/include", "engine/bench", "engine/web", "bindings", "examples")
CPP = sorted(p for folder in CPP_FOLDERS for p in (ROOT / folder).rglob("*") if p.suffix in (".cpp", ".h"))
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"')
REFUSAL = re.compile(r"\b(?:fail|invalid_argument|throw Error|throw std::runtime_error)\((.*?)\);", re.DOTALL)
# The last part of a refusal: a full stop, nothing more to say, or the library's own last message.
ENDS = ('."', '""', "xnorkit_error()")


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


@pytest.mark.parametrize("path", CPP, ids=lambda p: str(p.relative_to(ROOT)))
def test_messages_of_cpp_are_sentences(path: Path) -> None:
    code = path.read_text(encoding="utf-8")
    assert [text for text in LITERAL.findall(code) if REQUIRED.search(text.strip('"'))] == []
    refusals = [call.strip() for call in REFUSAL.findall(code) if LITERAL.search(call)]
    assert [call for call in refusals if not call.endswith(ENDS)] == []
