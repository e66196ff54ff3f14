"""Numbers that know where they come from, so that a sentence cannot disagree with the table beside it.

A source is an expression over leaves `[id|name]` or `[id|name|index]`: the value `name` of the record `id`, or its
element `index` (counted from the end when negative). Expressions join leaves by - * / and the functions `mean`,
`total` and `count`. Whoever holds records.jsonl can compute each number of the page again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xnorkit.report.records import Record

__all__ = ["Cited", "cite", "count", "least", "mean", "most", "present", "total"]


@dataclass(frozen=True)
class Cited:
    """A number and the expression that gives it from the stored records."""

    value: float
    source: str

    def __truediv__(self, other: "Cited") -> "Cited":
        return Cited(self.value / other.value, f"({self.source} / {other.source})")

    def __mul__(self, other: "Cited") -> "Cited":
        return Cited(self.value * other.value, f"({self.source} * {other.source})")

    def __sub__(self, other: "Cited") -> "Cited":
        return Cited(self.value - other.value, f"({self.source} - {other.source})")

    def __neg__(self) -> "Cited":
        return Cited(-self.value, f"(0 - {self.source})")

    def __abs__(self) -> "Cited":
        return self if self.value >= 0 else -self


def cite(record: Record | None, name: str, index: int | None = None) -> Cited | None:
    """Return a value of a record, or of its subject where the values have no such name; None where there is none."""
    if record is None:
        return None
    value: Any = record.values.get(name, record.subject.get(name))
    leaf = f"[{record.id}|{name}]"
    if index is not None:
        value = value[index] if value else None
        leaf = f"[{record.id}|{name}|{index}]"
    return Cited(value, leaf) if isinstance(value, int | float) else None


def present(values: Sequence[Cited | None]) -> list[Cited]:
    """Return the values that are there."""
    return [value for value in values if value is not None]


def mean(values: Sequence[Cited]) -> Cited:
    """Return the mean of at least one number."""
    return values[0] if len(values) == 1 else _join("mean", sum(v.value for v in values) / len(values), values)


def least(values: Sequence[Cited]) -> Cited:
    """Return the smallest of at least one number, as itself."""
    return min(values, key=lambda cited: cited.value)


def most(values: Sequence[Cited]) -> Cited:
    """Return the largest of at least one number, as itself."""
    return max(values, key=lambda cited: cited.value)


def count(values: Sequence[Cited]) -> Cited:
    """Return how many numbers there are."""
    return _join("count", len(values), values)


def total(values: Sequence[Cited]) -> Cited:
    """Return the sum of at least one number."""
    return values[0] if len(values) == 1 else _join("total", sum(cited.value for cited in values), values)


def _join(function: str, value: float, values: Sequence[Cited]) -> Cited:
    return Cited(value, f"{function}({', '.join(cited.source for cited in values)})")
