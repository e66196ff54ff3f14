"""Labels at the ends of lines, in place of a legend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["End", "label_ends", "plain_log"]

End = tuple[float, float, str, str]  # x, y in data, text, colour
LINE_POINTS = 13.0  # of one line of text


def label_ends(axes: "Axes", ends: Sequence[End], height_points: float) -> None:
    """Write each text right of its line's end; texts that would overlap move apart, up and down.

    Limits and scales of the axes must be set before. `height_points` is the height of the axes' box.
    """
    axes.get_xlim(), axes.get_ylim()  # limits that plotting left to be found are found now
    to_axes = axes.transData + axes.transAxes.inverted()
    marked = [end for end in ends if end[2]]
    placed = sorted((float(to_axes.transform((x, y))[1]), text, colour) for x, y, text, colour in marked)
    heights = [_lines(text) * LINE_POINTS / height_points for _, text, _ in placed]
    for (_, text, colour), centre in zip(placed, _spread([at for at, _, _ in placed], heights), strict=True):
        axes.annotate(
            text,
            (1.0, centre),
            xytext=(5, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )


def plain_log(axes: "Axes", which: str, ticks: Sequence[float]) -> None:
    """Make an axis logarithmic, with these ticks as plain numbers."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis.set_ticks(list(ticks), [f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def _spread(centres: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Move ascending centres apart so that boxes of these heights do not overlap, as a block around their mean.

    All stay between 0 and 1, as long as there is room.
    """
    groups: list[list[int]] = []
    middle: list[float] = []
    for index, centre in enumerate(centres):
        groups.append([index])
        middle.append(_inside(centre, [index], heights))
        while len(groups) > 1 and _top(middle[-2], groups[-2], heights) > _bottom(middle[-1], groups[-1], heights):
            merged = groups[-2] + groups[-1]
            groups[-2:] = [merged]
            middle[-2:] = [_inside(sum(centres[i] for i in merged) / len(merged), merged, heights)]
    placed = list(centres)
    for centre, group in zip(middle, groups, strict=True):
        at = _bottom(centre, group, heights)
        for index in group:
            placed[index] = at + heights[index] / 2
            at += heights[index]
    return placed


def _inside(middle: float, group: Sequence[int], heights: Sequence[float]) -> float:
    half = sum(heights[i] for i in group) / 2
    return 0.5 if half > 0.5 else min(max(middle, half), 1 - half)


def _top(middle: float, group: Sequence[int], heights: Sequence[float]) -> float:
    return middle + sum(heights[i] for i in group) / 2


def _bottom(middle: float, group: Sequence[int], heights: Sequence[float]) -> float:
    return middle - sum(heights[i] for i in group) / 2


def _lines(text: str) -> int:
    return text.count("\n") + 1
