"""Recipes from YAML files, with overrides; every field is known and typed, or the error says which is not."""

import copy
import dataclasses
import difflib
from argparse import ArgumentError
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]
from jsonargparse import ArgumentParser

from xnorkit.errors import RecipeError
from xnorkit.train.recipe import DataSpec, ModelSpec, OptimizerSpec, Recipe, ScheduleSpec

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11

__all__ = ["list_recipes", "load_recipe", "recipe_from_dict"]

SUFFIXES = (".yaml", ".yml")
SECTIONS: dict[str, type] = {
    "model": ModelSpec,
    "data": DataSpec,
    "optimizer": OptimizerSpec,
    "schedule": ScheduleSpec,
}


def list_recipes() -> list[str]:
    """Return the sorted names of the recipes in the package."""
    return sorted(Path(file.name).stem for file in _folder().iterdir() if file.name.endswith(SUFFIXES))


def load_recipe(name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of that name, or in that YAML file, with fields changed by `overrides`.

    Args:
        name: one of `list_recipes()`, or a path that ends in .yaml or .yml.
        overrides: "key=value" with dotted keys, as "epochs=5" or "optimizer.lr=1e-3".

    Raises:
        RecipeError: unknown recipe or field, with near matches; a value of the wrong type; YAML that cannot be read.
    """
    source = str(name)
    try:
        fields = yaml.safe_load(_file(source).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(
            f"recipe {source} cannot be read: {error}; required: a YAML file of recipe fields."
        ) from error
    if not isinstance(fields, dict):
        raise RecipeError(f"recipe {source} holds a {type(fields).__name__}; required: a mapping of recipe fields.")
    for override in overrides:
        _override(fields, override)
    return recipe_from_dict(fields, source)


def recipe_from_dict(fields: Mapping[str, Any], source: str) -> Recipe:
    """Return a Recipe from nested mappings; `source` names them in errors (RecipeError, as `load_recipe`)."""
    known = set(_field_names())
    for key in _leaves(fields):
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3) or sorted(known)
            raise RecipeError(f"recipe {source}: unknown field '{key}'; near or known fields: {', '.join(near)}.")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Recipe)
    try:
        # A copy: the parser fills in defaults in place.
        parsed = parser.parse_object(copy.deepcopy(dict(fields))).as_dict()
    except (ArgumentError, TypeError, ValueError) as error:
        message = " ".join(str(error).split()).replace("typing.", "")
        raise RecipeError(f"recipe {source}: {message}; required: fields and types of xnorkit.train.Recipe.") from error
    sections = {name: make(**parsed.pop(name)) for name, make in SECTIONS.items()}
    return Recipe(**sections, **parsed)


def _folder() -> "Traversable":
    return files("xnorkit") / "recipes"


def _file(source: str) -> "Traversable | Path":
    if source.endswith(SUFFIXES):
        return Path(source)
    if source not in list_recipes():
        near = difflib.get_close_matches(source, list_recipes(), n=3) or list_recipes()
        raise RecipeError(
            f"unknown recipe '{source}'; near or known names: {', '.join(near)}. Required: one of them or a .yaml file."
        )
    return _folder() / f"{source}.yaml"


def _override(fields: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"override '{override}'; required: key=value, as epochs=5 or optimizer.lr=1e-3.")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"override '{override}': the value is not YAML ({error}); required: key=value.") from error
    *path, last = key.split(".")
    section = fields
    for step in path:
        section = section.setdefault(step, {})
        if not isinstance(section, dict):
            raise RecipeError(f"override '{override}': '{step}' has no fields of its own; required: a section's field.")
    section[last] = value


def _field_names() -> Iterator[str]:
    for entry in dataclasses.fields(Recipe):
        if entry.name in SECTIONS:
            yield from (f"{entry.name}.{inner.name}" for inner in dataclasses.fields(SECTIONS[entry.name]))
        else:
            yield entry.name


def _leaves(fields: Mapping[Any, Any]) -> Iterator[str]:
    """Yield dotted keys; a section that is no mapping is left to the type check."""
    for key, value in fields.items():
        if isinstance(value, Mapping) and key in SECTIONS:
            yield from (f"{key}.{inner}" for inner in value)
        elif key not in SECTIONS:
            yield str(key)
