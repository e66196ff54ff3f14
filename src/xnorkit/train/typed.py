"""Plain values, as YAML gives them, into the typed fields of a dataclass."""

import dataclasses
import difflib
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from xnorkit.errors import RecipeError

__all__ = ["typed"]

Kind = TypeVar("Kind")
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def typed(kind: type[Kind], fields: Mapping[Any, Any], source: str) -> Kind:
    """Return a `kind` made of `fields`; sections (dataclasses in fields) are made of nested mappings.

    A number may be given as text, as YAML reads 1e-3; a whole number is a number too. Nothing else is converted.

    Args:
        kind: a dataclass whose fields are str, int, float, bool, Literal, Any, dataclasses, lists and dicts of these,
            or one of these or None.
        fields: names and plain values.
        source: what to call the whole in errors, as "recipe mine.yaml".

    Raises:
        RecipeError: an unknown name, with near matches; a missing field; a value of another type.
    """
    try:
        made: Kind = _section(kind, fields, "")
    except _WrongError as wrong:
        raise RecipeError(f"{source}: {wrong}") from None
    return made


class _WrongError(Exception):
    """What is wrong, without the name of the source."""


def _section(kind: Any, fields: Mapping[Any, Any], where: str) -> Any:
    entries = {entry.name: entry for entry in dataclasses.fields(kind)}
    hints = get_type_hints(kind)
    for key in fields:
        if key not in entries:
            near = difflib.get_close_matches(str(key), entries, n=3) or sorted(entries)
            names = ", ".join(where + name for name in near)
            raise _WrongError(f"unknown field '{where}{key}'; near or known fields: {names}.")
    for name, entry in entries.items():
        optional = entry.default is not dataclasses.MISSING or entry.default_factory is not dataclasses.MISSING
        if name not in fields and not optional:
            raise _WrongError(f"{where}{name} is missing; required: {_words(hints[name])}.")
    return kind(**{key: _value(hints[key], value, f"{where}{key}") for key, value in fields.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as a `hint`, which stands at the dotted name `where`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        kinds = [a for a in arguments if a is not type(None)]
        matching = [a for a in kinds if len(kinds) == 1 or type(value) is a]
        if matching:
            return _value(matching[0], value, where)
    if value is None and hint is not Any:
        raise _WrongError(f"'{where}' is empty; required: {_words(hint)}, or leave the field out.")
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise _WrongError(f"{where}={value}; required: {_words(hint)}.{_suggestion(hint, value, where)}")
        return _section(hint, value, f"{where}.")
    if origin is list and isinstance(value, list):
        return [_value(arguments[0], item, f"{where}.{index}") for index, item in enumerate(value)]
    if origin is dict and isinstance(value, Mapping) and all(_is_key(arguments[0], key) for key in value):
        return {arguments[0](key): _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return _plain(hint, value, where)


def _is_key(kind: type, key: Any) -> bool:
    """Return whether a mapping's key is of its kind; whole numbers may be text, as in an override `sizes.16=0.4`."""
    return type(key) is kind or (kind is int and isinstance(key, str) and key.isdecimal())


def _plain(hint: Any, value: Any, where: str) -> Any:
    """Return a number, a text, or whatever stands where anything may."""
    if hint is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    chosen = get_origin(hint) is Literal and value in get_args(hint) and not isinstance(value, bool)
    if hint is Any or chosen or (hint in WORDS and type(value) is hint and hint is not float):
        return value
    raise _WrongError(f"{where}={value}; required: {_words(hint)}.")


def _words(hint: Any) -> str:
    """Return what a type asks for, in words."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(a) for a in arguments if a is not type(None))
    if dataclasses.is_dataclass(hint):
        return f"its fields, {', '.join(entry.name for entry in dataclasses.fields(hint))}"
    if origin is list:
        return f"a list, [...], each entry {_words(arguments[0])}"
    if origin is dict:
        return f"a mapping from {'whole numbers' if arguments[0] is int else 'names'} to values"
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    return WORDS.get(hint, "a value")


def _suggestion(hint: Any, value: Any, where: str) -> str:
    """Return what to write where a section was given its name alone, as data=mnist."""
    named = isinstance(value, str) and any(entry.name == "name" for entry in dataclasses.fields(hint))
    return f" Write {where}.name={value}." if named else ""
