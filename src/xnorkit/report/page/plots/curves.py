"""Curves of trainings: one panel per quantity, one line per run."""

from collections.abc import Sequence
from dataclasses import dataclass

from xnorkit.report.page.plots.labels import label_ends, plain_log
from xnorkit.report.page.svg import style, to_svg
from xnorkit.report.page.theme import SENTINELS

__all__ = ["Curve", "Panel", "draw_curves"]

WIDTH, PANEL, FOOT = 4.6, 1.9, 0.4
COLOURS = ("c0", "c1", "c3", "c4", "c5", "c2")


@dataclass(frozen=True)
class Curve:
    """One line: its run, which gives the colour, its label ('' for none), its points; dashed for the training split."""

    run: str
    label: str
    epochs: Sequence[float]
    values: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """One box: what goes up, and its lines."""

    title: str
    curves: Sequence[Curve]
    log: bool = False


def draw_curves(panels: Sequence[Panel], *, name: str, alt: str) -> str:
    """Return the figure, panels under each other over the same epochs."""
    from matplotlib.figure import Figure

    runs = list(dict.fromkeys(curve.run for panel in panels for curve in panel.curves))
    with style():
        figure = Figure(figsize=(WIDTH, PANEL * len(panels) + FOOT), layout="constrained")
        boxes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, panel in zip(boxes, panels, strict=True):
            axes.set_title(panel.title, fontweight="normal")
            axes.grid(visible=True)
            if panel.log:
                values = [value for curve in panel.curves for value in curve.values]
                plain_log(axes, "y", _decades(min(values), max(values)))
                axes.set_ylim(min(values) / 1.3, max(values) * 1.3)
            for curve in panel.curves:
                axes.plot(
                    curve.epochs,
                    curve.values,
                    color=SENTINELS[COLOURS[runs.index(curve.run) % len(COLOURS)]],
                    linestyle="--" if curve.dashed else "-",
                    linewidth=1.2 if curve.dashed else 1.8,
                    marker="o" if len(curve.epochs) < 3 else None,
                )
        boxes[-1].set_xlabel("epoch")
        boxes[-1].xaxis.get_major_locator().set_params(integer=True)
        for axes, panel in zip(boxes, panels, strict=True):
            ends = [
                (
                    curve.epochs[-1],
                    curve.values[-1],
                    curve.label,
                    SENTINELS[COLOURS[runs.index(curve.run) % len(COLOURS)]],
                )
                for curve in panel.curves
            ]
            label_ends(axes, ends, PANEL * 72 * 0.7)
        return to_svg(figure, name, alt)


def _decades(low: float, high: float) -> list[float]:
    """Ticks 1, 2, 5 of every power of ten within the span, at least its ends' neighbours."""
    ticks = [step * 10.0**power for power in range(-6, 7) for step in (1, 2, 5)]
    inside = [tick for tick in ticks if low / 1.3 <= tick <= high * 1.3]
    return inside if len(inside) <= 5 else [tick for tick in inside if f"{tick:e}".startswith("1")]
