"""Table 2 and Figure 4a: memory of weights, files and running programs."""

from xnorkit.report.page import names
from xnorkit.report.page.cited import cite
from xnorkit.report.page.document import Block, Cell, Figure, Name, Section, Table, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.paper import SOURCE, paper
from xnorkit.report.page.plots.bars import Bar, draw_bars
from xnorkit.report.page.sections.cells import NONE, NOT_RUN, absent, column, named, not_run_notes, value_cell
from xnorkit.report.page.shown import bytes_, count_, percent, short, times
from xnorkit.report.records import Record

__all__ = ["figure_4a", "sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section of the measured networks' memory."""
    title = say("Memory")
    known = evidence.known("memory")
    return [Section("memory", title, [_table(evidence, known) if known else absent(evidence, "memory")])]


def _table(evidence: Evidence, known: list[Record]) -> Table:
    rows = []
    for record in known:
        binary, params = cite(record, "binary_params"), cite(record, "params")
        own = record.subject["family"] != "float"
        full = cite(evidence.one("memory", model=record.subject["model"], family="float"), "weight_bytes")
        file = cite(record, "file_bytes")
        share = binary / params if binary and params else None
        smaller = NONE if not own else Cell((times(full / file),)) if full and file else NOT_RUN
        rows.append(
            [
                named(names.model(record.subject["model"]), (names.family(record.subject["family"]),)),
                value_cell(record, "params", short, say("{p} binary", p=percent(share, 1)) if share and own else ()),
                value_cell(record, "weight_bytes", bytes_),
                value_cell(record, "file_bytes", bytes_) if own or file else NONE,
                value_cell(record, "resident_bytes", bytes_),
                smaller,
            ]
        )
    caption = say(
        "Table {n}. Memory of each network. Weights: in memory, float32 in PyTorch, or bits padded to whole "
        "registers, which can exceed the file. File: the {xnor} file, everything included. Resident: weights and "
        "values of a running program at batch size one; of float32, PyTorch's weights alone. Times smaller: float32 "
        "weights over the file.",
        n=Name("2"),
        xnor=Name(".xnor"),
    )
    titles = ("parameters", "weights", "file", "resident", "times smaller")
    columns = [column("network", numeric=False), *(column(title) for title in titles)]
    return Table("memory", caption, columns, rows, not_run_notes(known, "memory"))


def figure_4a(evidence: Evidence) -> list[Block]:
    """Return Figure 4a and its numbers: weights of AlexNet, VGG-19 and ResNet-18, float and packed."""
    records = evidence.of("paper-memory")
    if not records:
        return [absent(evidence, "paper-memory")]
    bars, rows, ratios = [], [], []
    for record in records:
        model = names.short_model(record.subject["model"])
        values = [cite(record, name) for name in ("double_bytes", "float_bytes", "packed_bytes")]
        labels = (("64-bit float", "c2"), ("32-bit float", "c1"), ("packed", "c0"))
        for (label, colour), value in zip(labels, values, strict=True):
            if value:
                bars.append(Bar(model.text, label, value.value, str(bytes_(value)), colour))
        full, packed = values[1], values[2]
        ratio = full / packed if full and packed else None
        ratios += [ratio] if ratio else []
        cells = [value_cell(record, name, bytes_) for name in ("double_bytes", "float_bytes", "packed_bytes")]
        rows.append([named(model), *cells, Cell((times(ratio),)) if ratio else NOT_RUN])
    caption = say(
        "Figure {n}. Memory of the weights of three networks. The paper ({source}) counts {claim} times for binary "
        "layers; here first and last layers stay float, as they do in its networks.",
        n=Name("4a"),
        source=Name(SOURCE),
        claim=count_(paper("paper/claims", "memory")),
    )
    figure = Figure(
        "figure-4a",
        caption,
        "Bars: bytes of the weights of three networks, 64-bit, 32-bit and packed",
        draw_bars(bars, name="figure-4a", title="memory of the weights", alt="Memory of the weights of three networks"),
    )
    titles = [column("{n} float", n=Name("64-bit")), column("{n} float", n=Name("32-bit")), column("packed")]
    columns = [column("network", numeric=False), *titles, column("float32 over packed")]
    table = Table("figure-4a", say("The numbers of Figure {n}.", n=Name("4a")), columns, rows, folded=True)
    return [figure, table]
