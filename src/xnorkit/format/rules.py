"""Rules for JSON values: each returns what a value must be if the value breaks it, and otherwise None."""

import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

from xnorkit.errors import FormatError

__all__ = [
    "MAX_NUMBERS",
    "MAX_PADDING",
    "MAX_SIZE",
    "Rule",
    "boolean",
    "bound",
    "check_keys",
    "escaped",
    "integer",
    "integers",
    "is_number",
    "is_printable",
    "one_of",
    "positive",
    "shown",
    "shown_path",
]

MAX_SIZE = 2**24
"""Largest size in a file: of an axis of a value, a kernel, a stride, a dilation, a number of channels."""
MAX_PADDING = MAX_SIZE - 1
"""Most that may be added to one side of an axis."""
MAX_NUMBERS = 2**26
"""Most numbers in one value of one image (1024 x 1024 of 64 channels), so a small file cannot ask for huge buffers."""

LARGEST_F32 = (2 - 2.0**-23) * 2.0**127
SMALLEST_F32 = 2.0**-126
MAX_PATH = 1000

Rule = Callable[[Any], str | None]


def integer(low: int, high: int = MAX_SIZE) -> Rule:
    """Return the rule: an integer (true and 1.0 do not count) from `low` to `high`."""

    def rule(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"an integer from {low} to {high}"

    return rule


def integers(count: int, low: int, high: int = MAX_SIZE) -> Rule:
    """Return the rule: a list of `count` integers from `low` to `high`."""
    element = integer(low, high)

    def rule(value: Any) -> str | None:
        fits = isinstance(value, list | tuple) and len(value) == count and all(element(v) is None for v in value)
        return None if fits else f"a list of {count} integers from {low} to {high}"

    return rule


def boolean(value: Any) -> str | None:
    """Check: true or false."""
    return None if isinstance(value, bool) else "true or false"


def one_of(*choices: str) -> Rule:
    """Return the rule: one of the strings."""

    def rule(value: Any) -> str | None:
        return None if isinstance(value, str) and value in choices else " or ".join(f'"{c}"' for c in choices)

    return rule


def bound(value: Any) -> str | None:
    """Check: a float32 number, or null for no bound."""
    return None if value is None or is_number(value) else "a float32 number or null"


def positive(value: Any) -> str | None:
    """Check: a number above 0 that float32 does not round to 0."""
    return None if is_number(value) and value >= SMALLEST_F32 else "a float32 number above 0"


def is_number(value: Any) -> bool:
    """Return whether `value` is a number (no bool, NaN or infinity) within float32's range."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_F32


def is_printable(value: Any) -> bool:
    """Return whether `value` is a non-empty string of printable characters."""
    return isinstance(value, str) and value != "" and value.isprintable()


def check_keys(
    where: str, received: Mapping[str, Any], required: Collection[str], optional: Collection[str] = ()
) -> None:
    """Check that an object has the required keys and no others; FormatError names the first missing or unknown one."""
    expected = f"the keys must be {', '.join(required)}" if required else "there must be no keys"
    for key in required:
        if key not in optional and key not in received:
            raise FormatError(f"{where}: '{key}' is missing, but {expected}.")
    for key in received:
        if key not in required:
            raise FormatError(f"{where}: {shown(key)} is unknown, but {expected}.")


def shown(value: Any) -> str:
    """Return a received value for a message, on one line and of bounded length."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def shown_path(path: Any) -> str:
    """Return a path for a message: printable, and of bounded length."""
    text = escaped(os.fspath(path))
    return text if len(text) <= MAX_PATH else f"{text[:77]}..."


def escaped(text: str) -> str:
    """Return text that may come from a file in a form that is safe to show: unprintable characters become escapes.

    So no text from a file moves the cursor of a terminal, changes colours, or looks like another line.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
