"""JSON without its loopholes: no duplicate keys, NaN, infinities, lone surrogates or deep nesting."""

import json
import re
from collections import Counter
from typing import Any

from xnorkit.errors import FormatError
from xnorkit.format.rules import shown

__all__ = ["MAX_DEPTH", "dump", "parse"]

MAX_DEPTH = 32
"""Most brackets open at once; a graph itself needs 5."""

_BRACKET = re.compile(r"[\[{\]}]")
# Half of a pair, literal or as an escape; two halves in a row may be a pair.
_SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")


def parse(text: str, what: str) -> Any:
    """Return the value of the JSON `text`; FormatError names `what` and the reason."""
    depth = 0
    for bracket in _BRACKET.findall(_outside_strings(text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise FormatError(f"{what} nests deeper than {MAX_DEPTH} levels, but it must have at most {MAX_DEPTH}.")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite, parse_int=_whole
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except _LoopholeError as error:
        raise FormatError(f"{what} holds {error}") from None
    except UnicodeEncodeError:
        raise FormatError(f"{what} holds half a surrogate pair, but strings must be valid Unicode.") from None
    except json.JSONDecodeError as error:
        raise FormatError(f"{what} is not JSON ({error}), but it must be one JSON value.") from None
    return value


def dump(value: Any, what: str) -> str:
    """Return the JSON text of `value`: no spaces, keys in their order, floats that read back equal.

    Raises:
        FormatError: `value` holds more than dicts with string keys, lists, strings, finite numbers, booleans and None.
    """
    expected = "but it must hold dicts with string keys, lists, strings, finite numbers, booleans and None alone."
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"{what} cannot be written as JSON ({error}), {expected}") from None
    if parse(text, what) != value:
        raise FormatError(f"{what} would not read back equal, {expected}")
    return text


def _outside_strings(text: str) -> str:
    """Return the text outside strings; a string that is never closed runs to the end."""
    return "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])


class _LoopholeError(Exception):
    """A value holds something that JSON readers treat differently."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise _LoopholeError(f"the key {shown(twice)} twice, but keys must be unique.")
    return result


def _constant(literal: str) -> Any:
    raise _LoopholeError(f"{literal}, but numbers must be finite.")


def _finite(literal: str) -> float:
    value = float(literal)
    if value in (float("inf"), float("-inf")):
        raise _LoopholeError(f"{literal[:20]}, which is beyond float64, but numbers must be finite.")
    return value


def _whole(literal: str) -> int:
    if len(literal) > 20:
        raise _LoopholeError(
            f"{literal[:20]}..., an integer of {len(literal)} characters, but it must have at most 20."
        )
    return int(literal)
