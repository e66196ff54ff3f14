"""YAML files read strictly: plain values only, no key twice."""

import io
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]

from xnorkit.errors import RecipeError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11

__all__ = ["parse_yaml", "read_yaml"]


MOST = 100_000  # values in a file


class _Loader(yaml.SafeLoader):
    """Refuses a mapping that names a key twice, where PyYAML keeps the last."""

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


class _Named(io.StringIO):
    """A text with the name that errors show beside line and column."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def parse_yaml(text: str, name: str) -> Any:
    """Return the plain values in `text`; yaml.YAMLError, with `name`, if it is no YAML or names a key twice.

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
        raise RecipeError(f"{what} cannot be read: {reason}; required: a YAML file of fields.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{what} holds a {type(content).__name__}; required: a mapping of fields.")
    return content
