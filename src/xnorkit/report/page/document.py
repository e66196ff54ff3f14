"""The page before it is written as HTML or Markdown: sections of paragraphs, tables, figures; of words and numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "DASH",
    "Block",
    "Bullets",
    "Cell",
    "Code",
    "Column",
    "Document",
    "Figure",
    "Inline",
    "Inlines",
    "Name",
    "Number",
    "Paragraph",
    "Section",
    "Status",
    "Table",
    "join",
    "say",
]

Status = Literal["measured", "in part", "not run", "none"]
DASH = "–"
"""The cell of what there is not to measure; what could be measured and was not says so instead."""
PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Number:
    """A number as shown: its text, unit ('' for none), and the stored value with the source that gives it."""

    text: str
    unit: str
    value: float
    source: str

    def __str__(self) -> str:
        return f"{self.text} {self.unit}".strip()


@dataclass(frozen=True)
class Name:
    """A name, version or label that stands as it was stored; its digits are no measurement."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command or identifier."""

    text: str


Inline = str | Number | Name | Code
Inlines = tuple[Inline, ...]


def say(template: str, /, **parts: Inline | Inlines) -> Inlines:
    """Return the words of `template` with its `{places}` filled; every digit must come through a place."""
    inlines: list[Inline] = []
    for index, word in enumerate(PLACE.split(template)):
        if index % 2 == 0:
            inlines += [word] if word else []
        else:
            part = parts[word]
            inlines += part if isinstance(part, tuple) else [part]
    return tuple(inlines)


def join(parts: Sequence[Inlines], between: str = ", ", last: str | None = None) -> Inlines:
    """Return the parts with `between` in between, and `last` before the last one."""
    inlines: list[Inline] = []
    for index, part in enumerate(parts):
        if index:
            inlines.append(last if last is not None and index == len(parts) - 1 else between)
        inlines += part
    return tuple(inlines)


@dataclass(frozen=True)
class Column:
    """A column's title; `numeric` columns stand right."""

    title: Inlines
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """A cell: what it says, a smaller second line, and whether it was measured."""

    content: Inlines
    note: Inlines = ()
    status: Status = "measured"


@dataclass(frozen=True)
class Table:
    """Rows of cells under their columns; the first column names the row. `folded`: opened by the reader."""

    name: str
    caption: Inlines
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[Inlines] = ()
    folded: bool = False

    def remarks(self) -> list[Inlines]:
        """Return what stands below: what a dash means, where there is one, and the notes."""
        dashes = any(cell.content == (DASH,) for row in self.rows for cell in row)
        return [*([(f"{DASH} does not apply, or is not part of this study.",)] if dashes else []), *self.notes]


@dataclass(frozen=True)
class Figure:
    """A figure, drawn as an SVG document that follows light and dark; `alt` says what it shows."""

    name: str
    caption: Inlines
    alt: str
    svg: str


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    content: Inlines
    kind: Literal["text", "lead", "warning"] = "text"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[Inlines]


Block = Paragraph | Bullets | Table | Figure


@dataclass(frozen=True)
class Section:
    """A titled part of the page; `level` 2 is a section, 3 a part of one."""

    anchor: str
    title: Inlines
    blocks: Sequence[Block]
    level: int = 2


@dataclass(frozen=True)
class Document:
    """The whole page."""

    title: str
    subtitle: Inlines
    warnings: Sequence[Inlines]
    sections: Sequence[Section] = field(default_factory=list)

    def figures(self) -> Mapping[str, Figure]:
        """Return the figures by name."""
        return {b.name: b for section in self.sections for b in section.blocks if isinstance(b, Figure)}
