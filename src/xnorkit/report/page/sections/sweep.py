"""A figure of one sweep of a convolution, its caption and its numbers."""

from collections.abc import Sequence

from xnorkit.report.page import names
from xnorkit.report.page.cited import Cited, cite
from xnorkit.report.page.document import Block, Cell, Figure, Inline, Inlines, Name, Table, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.findings import Sweep, measure, point_sweep
from xnorkit.report.page.plots.speedup import Line, draw_speedups
from xnorkit.report.page.sections.cells import NONE, absent, column, named, not_run_notes, value_cell
from xnorkit.report.page.sections.conditions import machine
from xnorkit.report.page.shown import times, us
from xnorkit.report.records import Record

__all__ = ["sweep_blocks"]

MINIMA = "Minima where other programs ran, medians elsewhere: a large float32 convolution looks slower then than it is."
FIGURES = {
    "4b": ("channels", "channels"),
    "4c": ("filter", "kernel"),
    "5a": ("lenet-channels", "channels"),
    "5b": ("lenet-filter", "kernel"),
}
"""Experiment and size across of each figure; the caption of the first one that is drawn explains the lines."""
LINES = (
    ("formula", "paper's\nformula", "formula_speedup"),
    ("limit", "machine's\nlimit", "limit_speedup"),
    ("measured", "measured", "speedup"),
    ("whole", "with signs\nand packing", "from_float_speedup"),
)


def sweep_blocks(evidence: Evidence, figure: str, label: str, paper: Sequence[tuple[Cited, Cited]] = ()) -> list[Block]:
    """Return one of `FIGURES` with `label` across, and the table of its points.

    paper: points that the paper prints; compared with the formula's in the last column.
    """
    experiment, across = FIGURES[figure]
    sweep = point_sweep(evidence, experiment, across)
    if sweep is None:
        return [absent(evidence, experiment, f"Not run: speed-up over {label}.")]
    name = f"figure-{figure.lower()}"
    lines = []
    for kind, text, value in LINES:
        points = [(x.value, y.value) for x, y in sweep.line(value)]
        if points:
            lines.append(Line(kind, text, points))
    alt = f"Lines: speed-up of one binary convolution over float32, by {label}: " + ", ".join(
        line.label.replace("\n", " ") for line in lines
    )
    drawing = draw_speedups(lines, name=name, across=label, alt=alt)
    notes = [*not_run_notes(evidence.known(experiment), experiment), *_unmeasured(sweep)]
    return [
        Figure(name, _caption(evidence, sweep, figure, label), alt, drawing),
        _table(sweep, figure, label, paper, notes),
    ]


def _caption(evidence: Evidence, sweep: Sweep, figure: str, label: str) -> Inlines:
    """What is drawn, and under what conditions; the lines are explained once, under the first such figure."""
    first = next(name for name, sweep in FIGURES.items() if point_sweep(evidence, *sweep))
    peers = dict.fromkeys(str(r.subject["peer"]) for r in sweep.records if "peer" in r.subject)
    parts: dict[str, Inline | Inlines] = {
        "figure": Name(figure),
        "first": Name(first),
        "label": label,
        "machine": machine(evidence),
        "facts": _fixed(sweep),
        "peers": join([(names.engine(peer),) for peer in peers], last=" or ") or say("not named"),
        "statistic": MINIMA if sweep.busy else "Medians.",
        "whole": "; with signs and packing: float32 in and out" if sweep.line("from_float_speedup") else "",
    }
    if figure != first:
        return say(
            "Figure {figure}. As Figure {first}, over the {label}: {facts}; against {peers}. {statistic}", **parts
        )
    return say(
        "Figure {figure}. How many times as fast as float32 one binary convolution is, over the {label}: {facts}. "
        "Measured: bits in, the next layer's bits out, against the fastest float32 engine ({peers}){whole}. "
        "Formula: the paper's count of operations. Limit: the measured peak of xor and popcount over that of float32 "
        "multiply-adds. {statistic} {machine}.",
        **parts,
    )


def _fixed(sweep: Sweep) -> Inlines:
    """The sizes that all points share."""
    first, last = sweep.records[0].subject, sweep.records[-1].subject
    texts = {
        "kernel": "filter {n}x{n}",
        "in_channels": "{n} input channels",
        "out_channels": "{n} filters",
        "height": "image {n}x{n}",
    }
    same = {key: first[key] for key in texts if key in first and first[key] == last.get(key)}
    facts = [say(texts[key], n=Name(str(value))) for key, value in same.items()]
    return join([*facts, say("batch size one"), names.threads(first.get("threads", 1))])


def _unmeasured(sweep: Sweep) -> list[Inlines]:
    """The engines without a time at some points, where the fastest is that of the others."""
    places: dict[str, list[Inlines]] = {}
    for record in sweep.records:
        if "unmeasured" in record.subject:
            place = (Name(str(record.subject[sweep.across])),)
            places.setdefault(str(record.subject["unmeasured"]), []).append(place)
    return [
        say("Not measured at {places}: {reasons}", places=join(found), reasons=Name(reasons))
        for reasons, found in places.items()
    ]


def _peer(record: Record) -> Inlines:
    return (names.engine(record.subject["peer"]),) if "peer" in record.subject else ()


def _table(
    sweep: Sweep, figure: str, label: str, paper: Sequence[tuple[Cited, Cited]], notes: Sequence[Inlines]
) -> Table:
    printed = {x.value: y for x, y in paper}
    has_whole = bool(sweep.line("from_float_speedup"))
    rows = []
    for record in sweep.records:
        place = cite(record, sweep.across)
        row = [
            named(Name(f"{record.subject[sweep.across]}")),
            value_cell(record, measure(record, "us"), us),
            value_cell(record, measure(record, "float_us"), us, _peer(record)),
            value_cell(record, measure(record, "speedup"), times),
            *([value_cell(record, measure(record, "from_float_speedup"), times)] if has_whole else []),
            value_cell(record, "limit_speedup", times),
            value_cell(record, "formula_speedup", times),
        ]
        if printed:
            point = printed.get(place.value) if place else None
            row.append(Cell((times(point),)) if point else NONE)
        rows.append(row)
    titles = ["binary", "float32", "measured", *(["with signs and packing"] if has_whole else []), "limit", "formula"]
    columns = [column(label), *(column(title) for title in titles), *([column("paper's figure")] if printed else [])]
    caption = say("The numbers of Figure {figure}: times per call, and ratios.", figure=Name(figure))
    return Table(f"figure-{figure.lower()}", caption, columns, rows, notes, folded=True)
