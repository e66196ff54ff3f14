"""Figures that the paper prints (paper.json, with their source), cited like measured ones."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from xnorkit.report.page.cited import Cited

__all__ = ["SOURCE", "paper", "paper_points"]

SOURCE = "Rastegari et al., ECCV 2016"


@cache
def _entries() -> dict[str, dict[str, Any]]:
    content = json.loads((files(__package__) / "paper.json").read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in content}


def paper(entry: str, name: str) -> Cited:
    """Return a number of the paper."""
    return Cited(_entries()[entry]["values"][name], f"[{entry}|{name}]")


def paper_points(prefix: str, across: str, up: str) -> list[tuple[Cited, Cited]]:
    """Return the points of one of the paper's figures, in order."""
    return [(paper(entry, across), paper(entry, up)) for entry in _entries() if entry.startswith(f"{prefix}/")]
