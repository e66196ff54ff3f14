"""A value per row as a dot, with its spread as a line: for comparisons where zero says nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from xnorkit.report.page.svg import style, to_svg
from xnorkit.report.page.theme import SENTINELS

__all__ = ["Dot", "draw_dots"]

WIDTH, ROW, PAD = 4.6, 0.32, 0.7


@dataclass(frozen=True)
class Dot:
    """One row: its label, value, value's text, and the extremes over seeds (None with one seed)."""

    label: str
    value: float
    text: str
    spread: tuple[float, float] | None = None
    first: bool = False


def draw_dots(dots: Sequence[Dot], *, name: str, title: str, alt: str) -> str:
    """Return the figure, rows from top to bottom; `first` rows are what the others are compared with."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, PAD + ROW * len(dots)), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title, fontweight="normal")
        ends = [end for dot in dots for end in (*(dot.spread or ()), dot.value)]
        span = (max(ends) - min(ends)) or max(abs(max(ends)), 1e-3) * 0.02
        for at, dot in enumerate(dots):
            colour = SENTINELS["c0" if dot.first else "c1"]
            axes.axhline(at, color=SENTINELS["line"], linewidth=0.8)
            if dot.spread:
                axes.plot(dot.spread, (at, at), color=colour, linewidth=2)
            axes.plot([dot.value], [at], marker="o" if dot.first else "D", color=colour, markersize=7)
            right = dot.spread[1] if dot.spread else dot.value
            axes.annotate(
                dot.text,
                (right, at),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
                bbox={"facecolor": SENTINELS["paper"], "edgecolor": "none", "pad": 1},
            )
        axes.set_yticks(range(len(dots)), [dot.label for dot in dots])
        axes.set_ylim(len(dots) - 0.4, -0.6)
        axes.set_xlim(min(ends) - 0.08 * span, max(ends) + 0.35 * span)
        axes.set_xticks([])
        axes.tick_params(axis="y", length=0)
        axes.spines[["bottom", "left"]].set_visible(False)
        return to_svg(figure, name, alt)
