"""Speed-up of one convolution: the formula's, the machine's limit, and what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xnorkit.report.page.plots.labels import label_ends, plain_log
from xnorkit.report.page.svg import style, to_svg
from xnorkit.report.page.theme import SENTINELS

__all__ = ["Line", "draw_speedups"]

WIDTH, HEIGHT = 4.6, 3.3
BOX_POINTS = HEIGHT * 72 * 0.74
LOOKS: Mapping[str, tuple[str, str, str]] = {  # kind: colour, dash, mark
    "measured": (SENTINELS["c0"], "-", "o"),
    "whole": (SENTINELS["c4"], "-", "D"),
    "limit": (SENTINELS["c3"], "--", "s"),
    "formula": (SENTINELS["c2"], ":", "^"),
}
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Line:
    """One line: its kind (measured, whole, limit, formula), its label, and its points."""

    kind: str
    label: str
    points: Sequence[tuple[float, float]]


def draw_speedups(lines: Sequence[Line], *, name: str, across: str, alt: str) -> str:
    """Return the figure: speed-up over float32 upwards, `across` to the right, both logarithmic."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        xs = sorted({x for line in lines for x, _ in line.points})
        ys = [y for line in lines for _, y in line.points]
        plain_log(axes, "x", _thinned(xs))
        low, high = min(*ys, 1) / 1.4, max(ys) * 1.4
        plain_log(axes, "y", [tick for tick in TICKS if low <= tick <= high])
        axes.set(xlim=(min(xs) / 1.15, max(xs) * 1.15), ylim=(low, high), xlabel=across)
        axes.set_title("times as fast as float32", fontweight="normal")
        axes.axhline(1, color=SENTINELS["soft"], linewidth=0.9)
        axes.grid(visible=True)
        for line in lines:
            colour, dash, mark = LOOKS[line.kind]
            axes.plot(*zip(*line.points, strict=True), color=colour, linestyle=dash, marker=mark)
        ends = [(*line.points[-1], line.label, LOOKS[line.kind][0]) for line in lines]
        label_ends(axes, ends, BOX_POINTS)
        return to_svg(figure, name, alt)


def _thinned(values: Sequence[float]) -> list[float]:
    """Values of a logarithmic axis far enough apart to be written side by side."""
    kept: list[float] = []
    span = max(values) / min(values)
    for value in values:
        if not kept or value / kept[-1] >= span ** (1 / 9):
            kept.append(value)
    if kept[-1] != values[-1]:
        kept[-1] = values[-1]
    return kept
