"""Table 3: training time."""

from xnorkit.report.page import names
from xnorkit.report.page.cited import cite
from xnorkit.report.page.document import Cell, Inlines, Name, Section, Table, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.sections.cells import NONE, NOT_RUN, absent, column, named, not_run_notes, value_cell
from xnorkit.report.page.sections.conditions import machine
from xnorkit.report.page.shown import count_, mebibytes, milliseconds, seconds, times
from xnorkit.report.records import Record

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section of training time."""
    known = evidence.known("training-time")
    return [
        Section(
            "training-time",
            say("Training time"),
            [_table(evidence, known) if known else absent(evidence, "training-time")],
        )
    ]


def _table(evidence: Evidence, known: list[Record]) -> Table:
    caption = say(
        "Table {n}. Time of one training step (forward, backward, optimiser) in PyTorch on this machine, and what an "
        "epoch takes at that pace ({machine}). Training a binary network is done in float: signs and scales are "
        "computed on top of it.",
        n=Name("3"),
        machine=machine(evidence),
    )
    titles = ("step", "images/s", "epoch", "peak memory", "times float")
    columns = [column("network", numeric=False), *(column(title) for title in titles)]
    rows = [_row(evidence, record) for record in known]
    return Table("training-time", caption, columns, rows, not_run_notes(known, "training-time"))


def _row(evidence: Evidence, record: Record) -> list[Cell]:
    subject = record.subject
    same = {name: subject[name] for name in ("model", "batch", "threads") if name in subject}
    full, own = cite(evidence.one("training-time", family="float", **same), "step_ms"), cite(record, "step_ms")
    ratio = NONE if subject["family"] == "float" else Cell((times(own / full),)) if own and full else NOT_RUN
    images = cite(record, "epoch_images")
    return [
        named(names.model(subject["model"]), _setting(record)),
        value_cell(record, "step_ms", milliseconds),
        value_cell(record, "images_per_s", count_),
        value_cell(record, "epoch_s", seconds, say("{n} images", n=count_(images)) if images else ()),
        value_cell(record, "peak_mib", mebibytes),
        ratio,
    ]


def _setting(record: Record) -> Inlines:
    return say(
        "{family}, batch {batch}, {threads}",
        family=names.family(record.subject["family"]),
        batch=Name(str(record.subject.get("batch", "?"))),
        threads=names.threads(record.subject.get("threads", "?")),
    )
