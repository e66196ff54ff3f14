"""Groups of horizontal bars with their values beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from xnorkit.report.page.svg import style, to_svg
from xnorkit.report.page.theme import SENTINELS

__all__ = ["Bar", "draw_bars"]

WIDTH, ROW = 4.6, 0.24
PAD = 0.75


@dataclass(frozen=True)
class Bar:
    """One bar: the group it stands in, what it is, its length, the text of its value, and its colour's name."""

    group: str
    label: str
    value: float
    text: str
    colour: str


def draw_bars(bars: Sequence[Bar], *, name: str, title: str, alt: str) -> str:
    """Return the figure; groups stand under each other, each headed by its name."""
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(bar.group for bar in bars))
    with style():
        rows = len(bars) + 1.3 * len(groups)
        figure = Figure(figsize=(WIDTH, PAD + ROW * rows), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title, fontweight="normal")
        at, ticks = 0.0, []
        for group in groups:
            at += 1.0
            axes.annotate(group, (0, at), xycoords=("axes fraction", "data"), weight="bold", va="center")
            for bar in (bar for bar in bars if bar.group == group):
                at += 1.0
                ticks.append((at, bar.label))
                axes.barh(at, bar.value, height=0.72, color=SENTINELS[bar.colour])
                axes.annotate(bar.text, (bar.value, at), xytext=(4, 0), textcoords="offset points", va="center")
            at += 0.3
        axes.set_yticks([y for y, _ in ticks], [label for _, label in ticks])
        axes.set_ylim(at + 0.5, 0.4)
        axes.tick_params(axis="y", length=0)
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.set_xticks([])
        axes.set_xlim(0, max(bar.value for bar in bars) * 1.28)
        return to_svg(figure, name, alt)
