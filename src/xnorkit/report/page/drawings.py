"""The figures of the page by file name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xnorkit.errors import InputError
from xnorkit.report.page import charts
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.names import short_model
from xnorkit.report.page.pictures import PICTURES
from xnorkit.report.page.svg import style, to_svg
from xnorkit.report.page.tables import SWEEPS, networks, sweep, variants
from xnorkit.report.records import Record

__all__ = ["Drawing", "curves", "drawings"]


@dataclass(frozen=True)
class Drawing:
    """A figure as an SVG element that follows the light and dark modes; `alt` describes it."""

    name: str
    alt: str
    svg: str


def drawings(evidence: Evidence) -> dict[str, Drawing]:
    """Return every figure that has records."""
    found = []
    if counted := evidence.of("paper-memory"):
        alt = "Bars: bytes of the weights of three networks, 64-bit, 32-bit and packed"
        found.append(_draw("figure-4a", alt, charts.paint_memory, counted))
    for experiment, (number, _, label) in SWEEPS.items():
        if swept := sweep(evidence, experiment):
            alt = f"Lines: speed-up of one binary convolution over float32, by {label}: {', '.join(charts.LINES)}"
            found.append(_draw(f"figure-{number}", alt, charts.paint_sweep, swept, label))
    for (dataset, model), records in curves(evidence).items():
        alt = f"Curves of the training of {short_model(model)}: {', '.join(charts.panels_of(records))}"
        found.append(_draw(f"curves-{dataset}-{model}", alt, charts.paint_curves, records))
    for experiment in ("gradients", "ablation"):
        for (dataset, model), trained in variants(evidence, experiment).items():
            alt = f"Dots: top-1 accuracy of {len(trained)} variants, {experiment}"
            name = f"{experiment}-{dataset}-{model}"
            found.append(_draw(name, alt, charts.paint_variants, trained))
    for record in evidence.of("picture"):
        kind, dataset, model, family = (str(record.subject[key]) for key in ("kind", "dataset", "model", "family"))
        arrays = _arrays(evidence, record)
        alt = f"Picture of {short_model(model)}: {kind.replace('-', ' ')}"
        found.append(_draw(f"{kind}-{dataset}-{model}-{family}", alt, PICTURES[kind], arrays))
    return {drawing.name: drawing for drawing in found}


def curves(evidence: Evidence) -> dict[tuple[str, str], list[Record]]:
    """Return the records of each data set and model that have a curve."""
    return networks([record for record in evidence.of("curve") if charts.panels_of([record])])


def _draw(name: str, alt: str, paint: Callable[..., None], *shown: Any) -> Drawing:
    from matplotlib.figure import Figure

    with style():
        figure = Figure(layout="constrained")
        paint(figure, *shown)
        return Drawing(name, alt, to_svg(figure, name, alt))


def _arrays(evidence: Evidence, record: Record) -> dict[str, Any]:
    path = evidence.folder / str(record.subject.get("file", ""))
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} of record '{record.id}' must be a picture beside the records, but reading it failed: {error}. "
            "Measure it again with `xnorkit report --only picture`."
        ) from error
