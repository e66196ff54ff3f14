"""Cells, columns and notes that several sections make."""

from collections.abc import Callable, Iterable, Sequence

from xnorkit.report.page.cited import Cited, cite
from xnorkit.report.page.document import DASH, Cell, Code, Column, Inlines, Name, Number, Paragraph, say
from xnorkit.report.page.evidence import Evidence, command
from xnorkit.report.records import Record

__all__ = ["NONE", "NOT_RUN", "absent", "column", "named", "not_run_notes", "value_cell"]

NOT_RUN = Cell(say("not run"), status="not run")
NONE = Cell((DASH,), status="none")


def column(title: str, /, *, numeric: bool = True, **parts: Name | Inlines) -> Column:
    """Return a column with that title, its places filled as by `say`."""
    return Column(say(title, **parts), numeric)


def named(content: Name | Inlines, note: Inlines = ()) -> Cell:
    """Return the first cell of a row."""
    return Cell((content,) if isinstance(content, Name) else content, note)


def value_cell(record: Record | None, value: str, shown: Callable[[Cited], Number], note: Inlines = ()) -> Cell:
    """Return a value of a record as a cell, "not run" where it has none."""
    cited = cite(record, value)
    if record is None or cited is None:
        return NOT_RUN
    return Cell((shown(cited),), note, "in part" if record.status == "in part" else "measured")


def not_run_notes(records: Iterable[Record], experiment: str = "") -> Sequence[Inlines]:
    """Return a line per reason and command that fills it, of what was not run among `records`."""
    lines: dict[tuple[str, str], None] = {}
    for record in records:
        if record.status == "not run":
            words = record.command or command(experiment, quick=record.conditions.get("mode") == "quick")
            lines[(record.reason, words)] = None
    return [
        say("Not run ({reason}): {command}", reason=Name(reason or "no reason given"), command=Code(words))
        for reason, words in lines
    ]


def absent(evidence: Evidence, experiment: str, what: str = "Not run.") -> Paragraph:
    """Return the paragraph that stands for an experiment without records."""
    return Paragraph(say(what + " {command} measures it.", command=Code(evidence.command(experiment))))
