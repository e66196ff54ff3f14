"""A contributor: every target that CONTRIBUTING.md names exists, and every file that a new operation touches."""

import re
from pathlib import Path

from documents import ROOT, section


def test_every_target_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {word for words in re.findall(r"`make ([a-z -]+)`", text) for word in words.split()}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(named) >= 8
    assert named <= targets


def test_every_file_of_a_new_operation_exists() -> None:
    rows = [line for line in section("docs/your-own.md", "## An operation of the file").splitlines() if "`" in line]
    files = [Path(name) for row in rows for name in re.findall(r"`([\w./-]+)`", row.split("|")[1])]
    assert len(files) >= 15
    assert [str(file) for file in files if not (ROOT / file).exists()] == []
