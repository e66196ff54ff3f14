"""Trainings that differ in one thing: a figure of their accuracies, a table, and a sentence."""

from collections.abc import Mapping, Sequence

from xnorkit.report.page import names
from xnorkit.report.page.cited import count, least, most
from xnorkit.report.page.document import Block, Cell, Figure, Inlines, Name, Table, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.plots.dots import Dot, draw_dots
from xnorkit.report.page.sections.cells import NONE, NOT_RUN, column, named, not_run_notes
from xnorkit.report.page.shown import count_, decimal, percent, points
from xnorkit.report.page.variants import Variant, variants
from xnorkit.report.records import Record

__all__ = ["comparison_blocks"]


def comparison_blocks(
    evidence: Evidence, experiment: str, key: str, *, base: str, figure: str, what: Inlines, written: Mapping[str, str]
) -> list[Block]:
    """Return figure and table for each data set and network; `base` is the variant that others are compared with."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in evidence.of(experiment):
        groups.setdefault((str(record.subject["dataset"]), str(record.subject["model"])), []).append(record)
    blocks: list[Block] = []
    for (dataset, model), records in groups.items():
        found = variants(records, key)
        first = next((variant for variant in found if variant.name == base), None)
        dots = [_dot(variant, variant is first, written) for variant in found]
        title, name = "top-1 accuracy", f"{experiment}-{dataset}-{model}"
        alt = f"Dots: top-1 accuracy of {len(found)} variants, {experiment}"
        caption = say(
            "Figure {figure}. {what} {model} on {data}, {budget}. {spread}",
            figure=Name(figure),
            what=what,
            model=names.short_model(model),
            data=names.dataset(dataset),
            budget=_budget(records),
            spread=_spread(found),
        )
        blocks.append(Figure(name, caption, alt, draw_dots(dots, name=name, title=title, alt=alt)))
        rows = [_row(variant, first, written) for variant in found]
        columns = [
            column("variant", numeric=False),
            column("top-{n}", n=Name("1")),
            column("against the first"),
            column("loss"),
        ]
        notes = not_run_notes(evidence.known(experiment, dataset=dataset, model=model), experiment)
        blocks.append(
            Table(name, say("The numbers of Figure {figure}.", figure=Name(figure)), columns, rows, notes, folded=True)
        )
    return blocks


def _dot(variant: Variant, first: bool, written: Mapping[str, str]) -> Dot:
    low, high = variant.top1.extremes
    spread = (low.value, high.value) if len(variant.top1.values) > 1 else None
    label = written.get(variant.name, variant.name)
    return Dot(label, variant.top1.mean.value, str(percent(variant.top1.mean)), spread, first)


def _row(variant: Variant, first: Variant | None, written: Mapping[str, str]) -> list[Cell]:
    low, high = variant.top1.extremes
    note = say("{low} to {high}", low=percent(low), high=percent(high)) if len(variant.top1.values) > 1 else ()
    difference = NOT_RUN if first is None else NONE
    if first and first is not variant:
        difference = Cell((points(variant.top1.mean - first.top1.mean, signed=True),))
    loss = Cell((decimal(variant.loss.mean, 3),)) if variant.loss else NOT_RUN
    return [
        named(Name(written.get(variant.name, variant.name))),
        Cell((percent(variant.top1.mean),), note),
        difference,
        loss,
    ]


def _budget(records: Sequence[Record]) -> Inlines:
    epochs = dict.fromkeys(str(record.subject["epochs"]) for record in records if "epochs" in record.subject)
    lengths = join([(Name(each),) for each in epochs]) or say("equal")
    return say("{lengths} epochs each", lengths=lengths)


def _spread(found: Sequence[Variant]) -> Inlines:
    """How many seeds there are, which says what a difference is worth."""
    numbers = [count(variant.top1.values) for variant in found]
    low, high = least(numbers), most(numbers)
    if high.value == 1:
        return say("One seed each: a small difference says nothing.")
    if low.value == high.value:
        return say("Means of {n} seeds; lines: their extremes.", n=count_(low))
    return say("Means of {low} to {high} seeds; lines: their extremes.", low=count_(low), high=count_(high))
