"""Colours of page and figures, each for light and dark; figures name them, the page or the file gives them."""

from types import MappingProxyType

__all__ = ["SENTINELS", "file_style", "page_style"]

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
# What matplotlib is given for each name: a colour that no figure uses otherwise, replaced in the finished SVG.
SENTINELS = MappingProxyType({name: f"#0{index:x}f00{index:x}" for index, name in enumerate(COLOURS)})


def page_style() -> str:
    """Return the variables for a page."""
    return _variables(":root")


def file_style() -> str:
    """Return the variables for an SVG file that stands alone."""
    return _variables("svg")


def _variables(element: str) -> str:
    light, dark = ("".join(f"--{name}:{pair[side]};" for name, pair in COLOURS.items()) for side in (0, 1))
    return f"{element}{{{light}}}\n@media (prefers-color-scheme:dark){{{element}{{{dark}}}}}\n"
