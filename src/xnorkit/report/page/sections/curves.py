"""Curves of the trainings: loss, accuracy, flip ratio."""

from collections.abc import Sequence
from dataclasses import replace

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
    records = [record for record in records if any(_points(record, key) for _, *keys, _, _ in PANELS for key in keys)]
    if not records:
        return [Section("curves", title, [absent(evidence, "curve")])]
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((str(record.subject["dataset"]), str(record.subject["model"])), []).append(record)
    letters = "abcdefghijklmnopqrstuvwxyz" if len(groups) > 1 else [""]
    blocks = [_figure(f"6{letter}", *key, group) for letter, (key, group) in zip(letters, groups.items(), strict=False)]
    endings = Bullets([_ending(record) for record in records])
    return [Section("curves", title, [*blocks, endings])]


def _figure(number: str, dataset: str, model: str, records: Sequence[Record]) -> Figure:
    name = f"curves-{dataset}-{model}"
    panels = []
    for title, dashed, solid, log, scale in PANELS:
        curves = [
            curve
            for record in records
            for key in dict.fromkeys((dashed, solid))
            if (curve := _curve(record, key, scale, dashed=key != solid, label=_label(record, records)))
        ]
        if curves:
            panels.append(Panel(title, _labelled(curves), log and all(v > 0 for c in curves for v in c.values)))
    caption = say(
        "Figure {n}: {model} on {data}. Loss and accuracy per epoch; solid: held-out images, dashed: training images "
        "(augmented where the recipe says so, so that they can be harder){flips}.{seeds}",
        n=Name(number),
        model=names.short_model(model),
        data=names.dataset(dataset),
        flips="; below, how many signs of binary weights changed" if panels[-1].title == PANELS[-1][0] else "",
        seeds=" One line for each seed." if len({_label(r, records) for r in records}) < len(records) else "",
    )
    alt = f"Curves of the training of {names.short_model(model).text}: " + ", ".join(panel.title for panel in panels)
    return Figure(name, caption, alt, draw_curves(panels, name=name, alt=alt))


def _label(record: Record, records: Sequence[Record]) -> str:
    """What a line is called: its family, or its recipe where several recipes train that family."""
    family = record.subject["family"]
    recipes = {_recipe(other) for other in records if other.subject["family"] == family}
    return names.family(family).text if len(recipes) == 1 else _recipe(record)


def _recipe(record: Record) -> str:
    return str(record.subject.get("recipe", record.subject.get("run", record.id)))


def _curve(record: Record, key: str, scale: float, *, dashed: bool, label: str) -> Curve | None:
    points = [(x, y * scale) for x, y in _points(record, key)]
    return Curve(label, label, [x for x, _ in points], [y for _, y in points], dashed) if points else None


def _points(record: Record, key: str) -> list[tuple[float, float]]:
    """Epochs that have a value, and the values."""
    epochs, values = record.values.get("epoch"), record.values.get(key)
    if not isinstance(epochs, list) or not isinstance(values, list):
        return []
    return [(x, y) for x, y in zip(epochs, values, strict=False) if x is not None and y is not None]


def _labelled(curves: Sequence[Curve]) -> list[Curve]:
    """Keep one label of each run: of its first solid line, or of its first line where all are dashed."""
    first: dict[str, int] = {}
    for index in sorted(range(len(curves)), key=lambda index: curves[index].dashed):
        first.setdefault(curves[index].run, index)
    return [curve if first[curve.run] == index else replace(curve, label="") for index, curve in enumerate(curves)]


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
        "{model} on {data}, {family}{seed}, last epoch{which}: ",
        model=names.short_model(record.subject["model"]),
        data=names.dataset(record.subject["dataset"]),
        family=names.family(record.subject["family"]),
        seed=say(", seed {s}", s=Name(str(record.subject["seed"]))) if "seed" in record.subject else "",
        which=say(" ({n})", n=count_(epoch)) if epoch else (),
    )
    return head + (join(parts) or say("no accuracy recorded")) + (".",)
