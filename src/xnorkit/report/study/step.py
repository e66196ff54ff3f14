"""A step of the study: what it will record, and how it is measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from xnorkit.report.records import Number, Record, Values

__all__ = ["Step", "Subject", "blank", "measured"]

Subject = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Step:
    """Something to measure at once.

    Attributes:
        title: for the line of progress.
        seconds: expected on two idle cores, for the time left.
        blanks: the records it gives, still "not run": with id, subject and the command that fills them.
        measure: gives them; more, as of further runs, are welcome.
        again: measure even what is done, as it may have changed (runs in folders).
    """

    title: str
    seconds: float
    blanks: Sequence[Record]
    measure: Callable[[], Iterable[Record]]
    again: bool = False


def blank(experiment: str, key: str, subject: Subject, command: str, reason: str = "not measured yet") -> Record:
    """Return a record without values, whose id is `key` in the experiment."""
    return Record(f"{experiment}/{key}", experiment, subject, status="not run", reason=reason, command=command)


def measured(
    record: Record,
    values: Values,
    spread: Mapping[str, Sequence[Number]] | None = None,
    *,
    status: str = "measured",
    reason: str = "",
    subject: Subject | None = None,
) -> Record:
    """Return a blank record filled with values; `subject` adds what is known only now."""
    whole = {**record.subject, **(subject or {})}
    return replace(record, values=values, spread=spread or {}, status=status, reason=reason, subject=whole)
