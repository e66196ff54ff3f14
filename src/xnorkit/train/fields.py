"""YAML files read strictly, and their plain values as the typed fields of a dataclass."""

import dataclasses
import difflib
import io
import json
import re
from collections.abc import Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

import yaml  # type: ignore[import-untyped]
from pydantic import ConfigDict, TypeAdapter, ValidationError

from xnorkit.errors import RecipeError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11

__all__ = ["parse_yaml", "read_yaml", "typed"]

Kind = TypeVar("Kind")
MOST = 100_000  # values in a file

# Type of an error of pydantic -> what the value must be.
EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list, [...]",
    "dict_type": "a mapping from names to values, {...}",
}


def typed(kind: type[Kind], fields: Mapping[Any, Any], source: str) -> Kind:
    """Return a `kind` made of `fields`; sections (dataclasses in fields) are made of nested mappings.

    A whole number is a number too. Nothing else is converted.

    Args:
        kind: a dataclass.
        fields: names and plain values, as YAML gives them.
        source: what to call the whole in errors, as "recipe mine.yaml".

    Raises:
        RecipeError: unknown names, with near matches; missing fields; values of another type. It names them all.
    """
    hashable: Any = kind
    try:
        # As JSON, sections may be mappings and keys of mappings numbers, and all else is strict.
        text = json.dumps([fields], default=str, ensure_ascii=False).encode()
        made: Kind = _adapter(hashable).validate_json(text, strict=True)[0]
    except (TypeError, UnicodeEncodeError) as reason:  # a key that is a date, half of a letter
        raise RecipeError(f"{source}: {reason}, but names and texts must be of whole letters.") from reason
    except ValidationError as wrong:
        faults: dict[str, list[str]] = {}  # a field of several types has an error for each
        for error in wrong.errors(include_url=False):
            received, expected = _fault(kind, error)
            faults.setdefault(received, []).append(expected)
        lines = [f"{received}, but it must be {' or '.join(expected)}." for received, expected in faults.items()]
        raise RecipeError(f"{source}: {' Also: '.join(lines)}") from None
    return made


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    # The tuple hands the configuration on to the dataclasses in it, which have none of their own.
    return TypeAdapter(tuple[kind], config=ConfigDict(extra="forbid"))  # type: ignore[valid-type]


def _fault(kind: type, error: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was received, and what it must be, of an error of pydantic on fields of `kind`."""
    path = [step for step in error["loc"][1:] if step not in ("int", "str", "[key]")]  # these are not fields
    where, value, section = ".".join(map(str, path)), error["input"], _section(kind, path[:-1])
    if error["type"] == "unexpected_keyword_argument":
        known = [field.name for field in dataclasses.fields(section)]
        near = difflib.get_close_matches(str(path[-1]), known, n=3) or sorted(known)
        return (
            f"the field '{where}' is unknown",
            f"a known one, as {', '.join('.'.join([*map(str, path[:-1]), n]) for n in near)}",
        )
    if error["type"] == "json_invalid":
        return "it nests too deeply", "at most 200 levels deep"
    if error["type"] == "missing":
        return f"{where} is missing", "given"
    if error["type"] == "literal_error":
        expected = f"one of {error['ctx']['expected']}"
    elif error["type"] == "dataclass_type":
        own = [field.name for field in dataclasses.fields(_section(kind, path))]
        expected = f"a section of the fields {', '.join(own)}"
        expected += f". Write {where}.name={value}" if "name" in own and isinstance(value, str) else ""
    else:
        expected = EXPECTED.get(error["type"], error["msg"])
    if value is None:
        return f"'{where}' is empty", f"{expected}, or be left out"
    return f"{where}={value}", expected


def _section(kind: Any, path: list[Any]) -> Any:
    """Return the dataclass at a path of `kind`; the last one on the way where something else is there."""
    for step in path:
        hint = kind if isinstance(step, int) else get_type_hints(kind).get(step)
        kind = next((part for part in (hint, *get_args(hint)) if dataclasses.is_dataclass(part)), kind)
    return kind


class _Loader(yaml.SafeLoader):
    """Refuses a mapping that names a key twice, where PyYAML keeps the last, and reads 1e-3 as a number."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping of a node."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' stands twice", key_node.start_mark)
            if isinstance(key, Hashable):
                seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), [*"+-0123456789"]
)


class _Named(io.StringIO):
    """A text with the name that errors show next to line and column."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def parse_yaml(text: str, name: str) -> Any:
    """Return the plain values in `text`; yaml.YAMLError, with `name`, if it is not YAML or names a key twice.

    So is a text that nests too deeply, holds a number or date that there is not, or a whole number beyond 64 bits, or
    refers to its own parts so often that it would fill the memory.
    """
    try:
        content = yaml.load(_Named(text, name), _Loader)
        _count(content, MOST)
    except yaml.YAMLError:
        raise
    except RecursionError:
        raise yaml.YAMLError(f"{name} nests too deeply") from None
    except Exception as error:  # PyYAML leaves what a wrong number, date or tag does to Python
        raise yaml.YAMLError(f"{name}: {error}") from error
    return content


def _count(value: Any, left: int) -> int:
    """Return what is left of a number of values after those in `value`, references followed; ValueError if none is."""
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list | set) else []
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number beyond 64 bits")
    left -= 1 + len(parts)
    if left < 0:
        raise ValueError(f"more than {MOST} values")
    for part in parts:
        left = _count(part, left)
    return left


def read_yaml(path: "Path | Traversable", what: str) -> dict[Any, Any]:
    """Return the mapping in a YAML file; `what` names the file in errors.

    Raises:
        RecipeError: no such file, no YAML, a key twice, or no mapping.
    """
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{what} cannot be read ({reason}), but it must be a YAML file of fields.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{what} holds a {type(content).__name__}, but it must hold a mapping of fields.")
    return content
