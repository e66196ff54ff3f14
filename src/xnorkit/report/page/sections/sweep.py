"""A figure of one sweep of a convolution, its caption and its numbers."""

from collections.abc import Sequence

from xnorkit.report.page import names
from xnorkit.report.page.cited import Cited, cite
from xnorkit.report.page.document import Block, Cell, Figure, Inlines, Name, Table, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.findings import Sweep, point_sweep
from xnorkit.report.page.plots.speedup import Line, draw_speedups
from xnorkit.report.page.sections.cells import NONE, absent, column, named, not_run_notes, value_cell
from xnorkit.report.page.shown import times, us

__all__ = ["sweep_blocks"]

LINES = (
    ("formula", "paper's\nformula", "formula_speedup"),
    ("limit", "machine's\nlimit", "limit_speedup"),
    ("measured", "measured", "speedup"),
    ("whole", "with signs\nand packing", "from_float_speedup"),
)


def sweep_blocks(
    evidence: Evidence,
    experiment: str,
    across: str,
    *,
    figure: str,
    label: str,
    paper: Sequence[tuple[Cited, Cited]] = (),
) -> list[Block]:
    """Return the figure named `figure` over `across` (channels, kernel), and the table of its points.

    paper: points that the paper prints; compared with the formula's in the last column.
    """
    sweep = point_sweep(evidence, experiment, across)
    if sweep is None:
        return [absent(experiment, f"Not run: speed-up over {label}.")]
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
    notes = not_run_notes(evidence.known(experiment), experiment)
    return [
        Figure(name, _caption(sweep, figure, label), alt, drawing),
        _table(sweep, figure, label, paper, notes),
    ]


def _caption(sweep: Sweep, figure: str, label: str) -> Inlines:
    first, last = sweep.records[0], sweep.records[-1]
    peers = dict.fromkeys(str(r.subject["peer"]) for r in sweep.records if "peer" in r.subject)
    fixed = {
        key: first.subject[key]
        for key in ("kernel", "in_channels", "out_channels", "height")
        if key in first.subject and first.subject[key] == last.subject.get(key)
    }
    facts = []
    if "kernel" in fixed:
        facts.append(say("filter {k}x{k}", k=Name(str(fixed["kernel"]))))
    if "in_channels" in fixed:
        facts.append(say("{c} input channels", c=Name(str(fixed["in_channels"]))))
    if "out_channels" in fixed:
        facts.append(say("{c} filters", c=Name(str(fixed["out_channels"]))))
    if "height" in fixed:
        facts.append(say("image {h}x{h}", h=Name(str(fixed["height"]))))
    return say(
        "Figure {figure}. How many times as fast as float32 one binary convolution is, over the {label} ({facts}; "
        "batch size one, {threads}). Measured: bits in, the next layer's bits out, against the fastest float32 "
        "engine ({peers}); with signs and packing: float32 in and out. Formula: the paper's count of operations. "
        "Limit: the measured peak of xor and popcount over that of float32 multiply-adds.",
        figure=Name(figure),
        label=label,
        facts=join(facts) or say("sizes in the table"),
        threads=names.threads(first.subject.get("threads", 1)),
        peers=join([(names.engine(peer),) for peer in peers]) or say("not named"),
    )


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
            value_cell(record, "us", us),
            value_cell(
                record, "float_us", us, (names.engine(record.subject["peer"]),) if "peer" in record.subject else ()
            ),
            value_cell(record, "speedup", times),
            *([value_cell(record, "from_float_speedup", times)] if has_whole else []),
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
