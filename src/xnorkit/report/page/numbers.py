"""Numbers that carry the records they come from, and their form on the page."""

from collections.abc import Sequence
from typing import Any

from xnorkit.report.records import Record

__all__ = ["KINDS", "Cited", "cite", "count", "difference", "mean", "ratio", "total", "written"]

MINUS = "−"
STEPPED = {  # the first unit that the number reaches, with about three digits
    "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B")),
    "mebibytes": ((1e9 / 2**20, "GB"), (1e6 / 2**20, "MB")),
    "params": ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")),
    "us": ((1e6, "s"), (1e3, "ms"), (1, "µs")),
    "ms": ((1e3, "s"), (1, "ms")),
    "seconds": ((3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")),
}
FIXED = {  # factor, decimals, unit
    "percent": (100, 2, "%"),
    "percent1": (100, 1, "%"),
    "percent0": (100, 0, "%"),
    "points": (100, 2, "points"),
    "signed_points": (100, 2, "points"),
    "loss": (1, 3, ""),
    "whole": (1, 0, ""),
    "gmacs": (1, 0, "GMAC/s"),
}
KINDS = (*STEPPED, *FIXED, "times")


class Cited(float):
    """A number with the expression that computes it from the stored records.

    A leaf `[id|name]` is the value `name` of the record `id`, or of its subject; `[id|name|index]` is its element.
    Leaves are joined by - and /, and by `mean`, `total` and `count`.
    """

    source: str

    def __new__(cls, value: float, source: str) -> "Cited":
        """Return the number."""
        number = super().__new__(cls, value)
        number.source = source
        return number


def cite(record: Record | None, name: str, index: int | None = None) -> Cited | None:
    """Return a value of a record, or else of its subject, or None if neither has it."""
    if record is None:
        return None
    value: Any = record.values.get(name, record.subject.get(name))
    if index is not None:
        value = value[index] if value else None
    leaf = f"[{record.id}|{name}]" if index is None else f"[{record.id}|{name}|{index}]"
    return Cited(value, leaf) if isinstance(value, int | float) else None


def ratio(upper: Cited | None, lower: Cited | None) -> Cited | None:
    """Return upper / lower, or None if one of them is missing."""
    if upper is None or lower is None:
        return None
    return Cited(upper / lower, f"({upper.source} / {lower.source})")


def difference(first: Cited, second: Cited) -> Cited:
    """Return first - second."""
    return Cited(first - second, f"({first.source} - {second.source})")


def mean(values: Sequence[Cited]) -> Cited:
    """Return the mean of at least one number."""
    return values[0] if len(values) == 1 else _join("mean", sum(values) / len(values), values)


def total(values: Sequence[Cited]) -> Cited | None:
    """Return the sum, or None if there are no numbers."""
    return None if not values else values[0] if len(values) == 1 else _join("total", sum(values), values)


def count(values: Sequence[Cited]) -> Cited:
    """Return the count of the numbers."""
    return _join("count", len(values), values)


def written(kind: str, value: float) -> tuple[str, str]:
    """Return the text and the unit ('' for none) of a number, written as one of `KINDS`."""
    if kind == "times":
        return f"{value:,.{2 if value < 2 else 1 if value < 100 else 0}f}", ""
    if kind in STEPPED:
        size, unit = next((step for step in STEPPED[kind] if value >= step[0]), STEPPED[kind][-1])
        whole = size == 1 and unit in ("", "B")
        return f"{value / size:,.{0 if whole else _decimals(value / size)}f}", unit
    factor, decimals, unit = FIXED[kind]
    text = f"{abs(value) * factor:,.{decimals}f}"
    if any(digit in text for digit in "123456789"):
        text = (MINUS if value < 0 else "+" if kind == "signed_points" else "") + text
    return text, unit


def _decimals(value: float) -> int:
    """Return the number of decimals that yields about three digits."""
    return 0 if value >= 100 or value == 0 else 1 if value >= 10 else 2 if value >= 1 else 3


def _join(function: str, value: float, values: Sequence[Cited]) -> Cited:
    return Cited(value, f"{function}({', '.join(each.source for each in values)})")
