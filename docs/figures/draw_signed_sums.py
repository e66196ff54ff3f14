"""Draws docs/figures/signed-sums.svg: how one look-up takes the place of four multiply-adds.

Run `python docs/figures/draw_signed_sums.py` after a change; the test-suite compares.
"""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from xnorkit.report.page.svg import SENTINELS, as_file, style, to_svg

FILE = Path(__file__).parent / "signed-sums.svg"
VALUES = (3, -1, 4, 2)
LANES = ((0, 0, 0, 0), (0, 1, 1, 0), (1, 1, 0, 0), (0, 1, 0, 1), (1, 0, 1, 1))  # sign bits; 1 means -1
WIDTH, HEIGHT = 7.4, 4.4
TABLE_Y, VALUES_Y, LANES_Y, RESULT_Y = 5.0, 7.7, 1.7, 0.3
ALT = (
    "Four values of a gradient have 16 signed sums, a table. Each lane forms an index from its four sign bits and "
    "looks its sum up."
)


def signed_sums() -> list[int]:
    """The table: entry i is the sum in which the values whose bit is set in i are negative."""
    return [sum(-v if i >> k & 1 else v for k, v in enumerate(VALUES)) for i in range(1 << len(VALUES))]


def minus(number: int) -> str:
    """The number with a real minus sign."""
    return f"{number}".replace("-", "\u2212")


def cell(axes: Any, x: float, y: float, text: str, *, chosen: bool = False, width: float = 0.9) -> None:
    """One box with a text, outlined where a lane reads it."""
    edge, line = (SENTINELS["c0"], 1.8) if chosen else (SENTINELS["soft"], 0.8)
    axes.add_patch(Rectangle((x, y), width, 0.9, facecolor=SENTINELS["box"], edgecolor=edge, linewidth=line))
    axes.text(x + width / 2, y + 0.43, text, ha="center", va="center")


def draw() -> str:
    """The text of the SVG file."""
    soft, blue = SENTINELS["soft"], SENTINELS["c0"]
    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-0.3, 16.3), ylim=(-1.2, 9.7))
        axes.axis("off")

        axes.text(0, VALUES_Y + 1.35, "four values of the rounded gradient", weight="bold")
        for k, value in enumerate(VALUES):
            cell(axes, k, VALUES_Y, minus(value))

        axes.text(0, TABLE_Y + 1.75, "their 16 signed sums: a table, made once, read by all lanes", weight="bold")
        table = signed_sums()
        indices = [sum(bit << k for k, bit in enumerate(bits)) for bits in LANES]
        for i, entry in enumerate(table):
            cell(axes, i, TABLE_Y, minus(entry), chosen=i in indices)
            axes.text(i + 0.45, TABLE_Y + 1.2, f"{i}", ha="center", va="center", color=soft, size=8)

        spacing = 16 / len(LANES)
        for n, (bits, index) in enumerate(zip(LANES, indices, strict=True)):
            middle = (n + 0.5) * spacing
            axes.plot([middle, index + 0.45], [LANES_Y + 0.95, TABLE_Y - 0.05], color=blue, linewidth=1.4)
            signs = " ".join("\u2212" if bit else "+" for bit in bits)
            cell(axes, middle - 1.35, LANES_Y, f"{signs}  \u2192  {index}", width=2.7)
            axes.text(middle, RESULT_Y + 0.75, minus(table[index]), ha="center", va="center")
        axes.text(0, RESULT_Y - 0.4, "each lane: four signs, their index, its sum", weight="bold")
        text = "one look-up and one addition per lane take the place of four multiply-adds"
        axes.text(0, RESULT_Y - 1.1, text, color=soft)
        return as_file(to_svg(figure, "signed-sums", ALT))


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
