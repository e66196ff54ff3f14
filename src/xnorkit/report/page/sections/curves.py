"""Curves of the trainings: loss, accuracy, flip ratio."""

from collections.abc import Sequence

from xnorkit.report.page import names
from xnorkit.report.page.cited import cite
from xnorkit.report.page.document import Bullets, Figure, Inlines, Name, Section, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.plots.curves import Curve, Panel, draw_curves
from xnorkit.report.page.sections.cells import absent
from xnorkit.report.page.shown import count_, percent
from xnorkit.report.records import Record

__all__ = ["sections"]

PANELS = (
    ("loss", "train_loss", "eval_loss", True, 1.0),
    ("accuracy, %", "train_accuracy", "eval_accuracy", False, 100.0),
    ("binary weights whose sign changed per epoch, %", "flip_ratio", "flip_ratio", False, 100.0),
)


def sections(evidence: Evidence) -> list[Section]:
    """Return the section: one figure per network and data set."""
    title = say("Training curves")
    records = evidence.of("curve")
    if not records:
        return [Section("curves", title, [absent("curve")])]
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((str(record.subject["dataset"]), str(record.subject["model"])), []).append(record)
    blocks = [_figure(dataset, model, group) for (dataset, model), group in groups.items()]
    endings = Bullets([_ending(record) for record in records])
    return [Section("curves", title, [*blocks, endings])]


def _figure(dataset: str, model: str, records: Sequence[Record]) -> Figure:
    name = f"curves-{dataset}-{model}"
    families = [record.subject["family"] for record in records]
    twice = len(families) != len(set(families))
    panels = []
    for title, dashed, solid, log, scale in PANELS:
        curves = [
            curve
            for record in records
            for key in dict.fromkeys((dashed, solid))
            if (curve := _curve(record, key, scale, dashed=key != solid, by_run=twice))
        ]
        if curves:
            panels.append(Panel(title, _labelled(curves), log and all(v > 0 for c in curves for v in c.values)))
    caption = say(
        "Figure {n}: {model} on {data}. Loss and accuracy per epoch; solid: held-out images, dashed: training images "
        "(augmented where the recipe says so, so that they can be harder); below, how many signs of binary weights "
        "changed.",
        n=Name("6"),
        model=names.short_model(model),
        data=names.dataset(dataset),
    )
    alt = f"Curves of the training of {names.short_model(model).text}: " + ", ".join(panel.title for panel in panels)
    return Figure(name, caption, alt, draw_curves(panels, name=name, alt=alt))


def _curve(record: Record, key: str, scale: float, *, dashed: bool, by_run: bool) -> Curve | None:
    epochs, values = record.values.get("epoch"), record.values.get(key)
    if not isinstance(epochs, list) or not isinstance(values, list):
        return None
    points = [(x, y * scale) for x, y in zip(epochs, values, strict=False) if x is not None and y is not None]
    if not points:
        return None
    run = str(record.subject.get("run", record.id))
    label = run if by_run else names.family(record.subject["family"]).text
    return Curve(run, label, [x for x, _ in points], [y for _, y in points], dashed)


def _labelled(curves: Sequence[Curve]) -> list[Curve]:
    """Dashed lines go without a label where their run has a solid one."""
    solid = {curve.run for curve in curves if not curve.dashed}
    return [
        Curve(
            curve.run,
            "" if curve.dashed and curve.run in solid else curve.label,
            curve.epochs,
            curve.values,
            curve.dashed,
        )
        for curve in curves
    ]


def _ending(record: Record) -> Inlines:
    """The last epoch of a run in words."""
    parts = []
    accuracy, epoch = cite(record, "eval_accuracy", -1), cite(record, "epoch", -1)
    flips = cite(record, "flip_ratio", -1)
    if accuracy:
        parts.append(say("accuracy {a}", a=percent(accuracy)))
    if flips:
        parts.append(say("{f} of the signs still changing", f=percent(flips)))
    head = say(
        "{model} on {data}, {family}, last epoch{which}: ",
        model=names.short_model(record.subject["model"]),
        data=names.dataset(record.subject["dataset"]),
        family=names.family(record.subject["family"]),
        which=say(" ({n})", n=count_(epoch)) if epoch else (),
    )
    return head + (join(parts) or say("no accuracy recorded")) + (".",)
