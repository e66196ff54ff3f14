"""Under what the figures were measured."""

import re
from collections.abc import Iterable
from typing import Any

from xnorkit.report.page.document import Bullets, Cell, Code, Inlines, Name, Section, Table, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.sections.cells import column, named
from xnorkit.report.records import Record

__all__ = ["busy_experiments", "dates", "load", "machine", "sections", "seen"]

LOAD = re.compile(r"other programs took (?P<load>[\d.]+) (?P<of>of \d+ processors)")
"""What a record says of other programs."""
TIMED = ("peaks", "channels", "filter", "lenet-channels", "lenet-filter", "inference", "training-time")
"""Experiments whose figures other programs can change."""
LABELS = {
    "cpu": "processor",
    "cores": "cores",
    "threads": "threads",
    "isa": "kernels",
    "os": "system",
    "python": "Python",
    "commit": "commit",
    "seeds": "seeds",
    "mode": "mode",
}


def seen(evidence: Evidence, key: str) -> list[str]:
    """Return the different values of a condition, in order of writing."""
    found: dict[str, None] = {}
    for record in evidence.records:
        value = record.conditions.get(key)
        if record.status != "not run" and value not in (None, "", []):
            found[_written(value)] = None
    return list(found)


def machine(evidence: Evidence) -> Inlines:
    """Return processor, cores and kernels, for captions."""
    cpu, cores, isa = (join([(Name(value),) for value in seen(evidence, key)], "/") for key in ("cpu", "cores", "isa"))
    return join([part for part in (cpu, say("{n} cores", n=cores) if cores else (), isa) if part]) or say(
        "not recorded"
    )


def busy_experiments(evidence: Evidence) -> list[str]:
    """Return the experiments of which a time was taken while other programs ran."""
    return list(dict.fromkeys(r.experiment for r in _disturbed(evidence)))


def _disturbed(evidence: Evidence) -> list[Record]:
    """The records of times that were taken while other programs ran."""
    return [r for r in evidence.records if r.experiment in TIMED and r.conditions.get("busy")]


def sections(evidence: Evidence) -> list[Section]:
    """Return the table of conditions and what is to be known of the clock."""
    rows = [[named(Name(label)), _cell(seen(evidence, key))] for key, label in LABELS.items()]
    rows.append([named(Name("versions")), _cell(_versions(evidence))])
    rows.append([named(Name("dates")), dates(seen(evidence, "date"))])
    caption = say("Every stored figure carries these; where several are named, the records say which is whose.")
    table = Table("conditions", caption, [column("condition", numeric=False), column("value", numeric=False)], rows)
    return [Section("conditions", say("Conditions"), [table, Bullets(_remarks(evidence))])]


def _remarks(evidence: Evidence) -> list[Inlines]:
    lines = [
        say(
            "Times are medians (minima where a caption or row says so) of rounds "
            "in which all engines take turns; stored spreads are the quartiles. "
            "Accuracies are of the last epoch, spreads over seeds are the extremes."
        )
    ]
    lines.append(
        say(
            "All figures, tables and sentences here are drawn from {file} alone; {command} draws them again.",
            file=Name("records.jsonl"),
            command=Code("xnorkit report --from DIR"),
        )
    )
    busy = busy_experiments(evidence)
    if busy:
        words = {str(record.conditions["busy"]) for record in _disturbed(evidence)}
        lines.append(
            say(
                "Other programs ran while times of {what} were taken ({how}): times and ratios of these are rough.",
                what=join([(Name(name),) for name in busy], last=" and "),
                how=load(words),
            )
        )
    else:
        lines.append(say("No time was taken while other programs kept the processors busy."))
    return lines


def _versions(evidence: Evidence) -> list[str]:
    found: dict[str, None] = {}
    for record in evidence.records:
        for name, version in (record.conditions.get("versions") or {}).items():
            found[f"{name} {version}"] = None
    return list(found)


def dates(values: Iterable[str]) -> Cell:
    """Return the first and the last date."""
    ordered = sorted(values)
    if len(ordered) < 2:
        return _cell(ordered)
    return Cell(say("from {first} to {last}", first=Name(ordered[0]), last=Name(ordered[-1])))


def load(lines: Iterable[str]) -> Inlines:
    """Return the loads as one range, "other programs took 0.4 to 1.9 of 2 processors"; of other words the first."""
    ordered = sorted(lines)
    found = [match for line in ordered if (match := LOAD.fullmatch(line))]
    loads = sorted((match["load"] for match in found), key=float)
    if len(found) < len(ordered) or len(ordered) == 1 or len({match["of"] for match in found}) > 1:
        return (Name(ordered[0]),)
    return (Name(f"other programs took {loads[0]} to {loads[-1]} {found[0]['of']}"),)


def _written(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cell(values: list[str]) -> Cell:
    return (
        Cell(join([(Name(value),) for value in values], "; ")) if values else Cell(say("not recorded"), status="none")
    )
