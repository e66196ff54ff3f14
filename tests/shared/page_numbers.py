"""Reads the numbers of a page and computes each again from records.jsonl, without the code that drew the page."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

LEAF = re.compile(r"\[([^|\[\]]+)\|([^|\[\]]+)(?:\|(-?\d+))?\]")
# Digits in words of the page that measure nothing; all others must stand in a `data` element, a name or a command.
TERMS = re.compile(
    r"\b(float32|int8|[Tt]op-1|8-bit|8 bits|32-bit|64-bit|3x3|LeNet-5|(Table|Figure) \d[abc]?|5a)\b"
    r"|\(4[abc]\)|[+−]1\b"
)
UNITS = {
    "": {1, 1e-3, 1e-6, 1e-9},
    "%": {100},
    "points": {100},
    "times": {1},
    "k": {1e-3},
    "M": {1e-6},
    "G": {1e-9},
    "B": {1},
    "KB": {1e-3},
    "MB": {1e-6, 2**20 / 1e6},
    "GB": {1e-9, 2**20 / 1e9},
    "GMAC/s": {1},
    "µs": {1},
    "ms": {1e-3, 1, 1e3},
    "s": {1e-6, 1e-3, 1},
    "min": {1 / 60},
    "h": {1 / 3600},
}


@dataclass
class Shown:
    """A number of the page: value and source of its element, and its text."""

    value: float
    source: str
    text: str = ""


@dataclass
class Page(HTMLParser):
    """What a page says: its numbers in order, and its words outside of numbers, names, commands and drawings."""

    numbers: list[Shown] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._quiet: list[str] = []
        self._open: Shown | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where numbers and cells begin, and what is not read."""
        named = dict(attrs)
        if tag == "data":
            self._open = Shown(float(named["value"] or ""), named["data-source"] or "")
            self.numbers.append(self._open)
        if tag in ("td", "th"):
            self.cells.append("")
        if tag in ("svg", "style", "code", "title") or (tag == "span" and named.get("class") == "name"):
            self._quiet.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note where they end."""
        if tag == "data":
            self._open = None
        if self._quiet and tag == self._quiet[-1]:
            self._quiet.pop()

    def handle_data(self, data: str) -> None:
        """Take the text."""
        if self.cells and "svg" not in self._quiet:
            self.cells[-1] += data.strip()
        if self._open is not None:
            self._open.text += data
        elif not self._quiet:
            self.words.append(data)


def read_page(path: Path) -> Page:
    """Return what the page says."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def computed(source: str, records: dict[str, dict]) -> float:
    """Return the number that a source stands for."""

    def leaf(match: re.Match[str]) -> str:
        record, name, index = match.groups()
        entry = records[record]
        value = entry["values"].get(name, entry.get("subject", {}).get(name))
        return repr(float(value if index is None else value[int(index)]))

    functions = {
        "mean": lambda *values: sum(values) / len(values),
        "total": lambda *values: sum(values),
        "count": lambda *values: len(values),
    }
    return float(eval(LEAF.sub(leaf, source), {"__builtins__": {}}, functions))


def stored(folder: Path) -> dict[str, dict]:
    """Return the records of a folder and the figures of the paper, by id."""
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    paper = json.loads((files("xnorkit.report.page") / "paper.json").read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in [*map(json.loads, lines), *paper]}


def disagreements(numbers: list[Shown], records: dict[str, dict]) -> list[str]:
    """Return a line for each number whose element or whose text is not what its source gives, rounded as shown."""
    wrong = []
    for shown in numbers:
        value = computed(shown.source, records)
        if abs(value - shown.value) > 1e-9 * max(1.0, abs(value)):
            wrong.append(f"{shown.source} is {value}, the page holds {shown.value}")
        written, _, unit = shown.text.replace("\xa0", " ").partition(" ")
        number = float(written.replace(",", "").replace("−", "-"))
        decimals = len(written.partition(".")[2])
        margin = 0.5 * 10.0**-decimals * (1 + 1e-9)
        if not any(abs(value * scale - number) <= margin for scale in UNITS[unit]):
            wrong.append(f"{shown.source} is {value}, the page says {shown.text!r}")
    return wrong


def markdown_numbers(text: str) -> list[str]:
    """Return every word of a Markdown page that holds a digit, without commands and links."""
    plain = re.sub(r"`[^`]*`|!\[[^\]]*\]\([^)]*\)|<[^>]*>", " ", text)
    return [word.strip("()*,.;:|") for word in plain.split() if any(letter.isdigit() for letter in word)]
