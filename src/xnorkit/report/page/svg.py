"""A matplotlib figure as an SVG document whose colours are variables: the same bytes each time, light and dark."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xnorkit.report.page.theme import SENTINELS, file_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FONT_POINTS", "as_file", "style", "to_svg"]

FONT_POINTS = 10
FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
PREAMBLE = re.compile(r"^.*?(?=<svg )", re.DOTALL)
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
PIXELS_PER_POINT = 1.7
FONT = re.compile(r"'DejaVu Sans'[^;\"]*")


@contextmanager
def style() -> Iterator[None]:
    """Within: figures are drawn in the page's colours and sizes, text stays text."""
    import matplotlib as mpl

    ink, soft, line, paper = (SENTINELS[name] for name in ("ink", "soft", "line", "paper"))
    own: dict[Any, Any] = {
        "svg.fonttype": "none",
        "font.family": "DejaVu Sans",
        "font.size": FONT_POINTS,
        "axes.titlesize": FONT_POINTS,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.labelsize": FONT_POINTS,
        "xtick.labelsize": FONT_POINTS,
        "ytick.labelsize": FONT_POINTS,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": soft,
        "axes.facecolor": paper,
        "figure.facecolor": paper,
        "savefig.facecolor": paper,
        "xtick.color": soft,
        "ytick.color": soft,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "grid.color": line,
        "grid.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "lines.linewidth": 1.8,
        "lines.markersize": 4.5,
    }
    with mpl.rc_context({**mpl.rcParamsDefault, **own, "backend": mpl.rcParams["backend"]}):
        yield


def to_svg(figure: "Figure", name: str, alt: str) -> str:
    """Return the drawn figure as an `svg` element for a page; its ids begin with `name`."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = METADATA.sub("", PREAMBLE.sub("", buffer.getvalue())).strip()
    for variable, colour in SENTINELS.items():
        text = text.replace(colour, f"var(--{variable})")
    text = FONT.sub(FAMILY.replace("'", ""), text)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    opening, rest = text.split(">", 1)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening)
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'{opening} role="img" aria-label="{label}">{rest}\n'


def as_file(svg: str) -> str:
    """Return the element as a file that carries the colours, and a size, itself."""
    head, rest = svg.split(">", 1)
    box = VIEW_BOX.search(head)
    assert box is not None, "matplotlib writes the size of a drawing as its viewBox"
    width, height = (round(float(side) * PIXELS_PER_POINT) for side in box.groups())
    size = f'width="{width}" height="{height}"'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head} {size}>\n<style>{file_style()}</style>{rest}'
