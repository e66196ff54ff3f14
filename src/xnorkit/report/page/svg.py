"""A matplotlib figure as an SVG document whose colours are variables: the same bytes each time, light and dark."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from markupsafe import escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SENTINELS", "as_file", "colour_variables", "style", "to_svg"]

# name: (light, dark). c0 ours, c1 float32, c2 formula, c3 limit, c4 and c5 further series; told apart without hue by
# their lightness, their marks and their labels.
COLOURS = {
    "ink": ("#1b1f24", "#e6e9ed"),
    "soft": ("#59636e", "#9aa4af"),
    "line": ("#d8dde3", "#343c46"),
    "paper": ("#ffffff", "#14181d"),
    "box": ("#f5f7f9", "#1c2229"),
    "c0": ("#0a5fb4", "#69b3ff"),
    "c1": ("#b8500f", "#f4a261"),
    "c2": ("#6b7280", "#a3abb5"),
    "c3": ("#0b7f5b", "#4fd1a1"),
    "c4": ("#8a3ea8", "#d4a1ee"),
    "c5": ("#8a6d00", "#e5c44d"),
}
# The colour that matplotlib receives for each name, which no figure uses otherwise; the finished SVG replaces it.
SENTINELS = MappingProxyType({name: f"#0{index:x}f00{index:x}" for index, name in enumerate(COLOURS)})
INK, SOFT, LINE, PAPER = (SENTINELS[name] for name in ("ink", "soft", "line", "paper"))
RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    **dict.fromkeys(("axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"), 10),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), SOFT),
    **dict.fromkeys(("axes.facecolor", "figure.facecolor", "savefig.facecolor"), PAPER),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "legend.borderaxespad": 0,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
}
FAMILY = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif"
PIXELS_PER_POINT = 1.7


@contextmanager
def style() -> Iterator[None]:
    """Draw figures within the context in the colours and sizes of the page, with text as text."""
    import matplotlib as mpl

    with mpl.rc_context({**mpl.rcParamsDefault, **RC, "backend": mpl.rcParams["backend"]}):
        yield


def to_svg(figure: "Figure", name: str, alt: str) -> str:
    """Return the drawn figure as an `svg` element for a page; its ids begin with `name`."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r"^.*?(?=<svg )|\s*<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL).strip()
    for variable, colour in SENTINELS.items():
        text = text.replace(colour, f"var(--{variable})")
    text = re.sub(r"'DejaVu Sans'[^;\"]*", FAMILY, text)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    opening, rest = text.split(">", 1)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening)
    return f'{opening} role="img" aria-label="{escape(alt)}">{rest}\n'


def as_file(svg: str) -> str:
    """Return the element as a file with its own colours and size."""
    head, rest = svg.split(">", 1)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    assert box is not None, "matplotlib writes the size of a drawing as its viewBox"
    width, height = (round(float(side) * PIXELS_PER_POINT) for side in box.groups())
    size = f'width="{width}" height="{height}"'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head} {size}>\n<style>{colour_variables("svg")}</style>{rest}'


def colour_variables(element: str) -> str:
    """Return the style sheet that colours an element and its children."""
    light, dark = ("".join(f"--{name}:{pair[side]};" for name, pair in COLOURS.items()) for side in (0, 1))
    return f"{element}{{{light}}}\n@media (prefers-color-scheme:dark){{{element}{{{dark}}}}}\n"
