"""Recipes from YAML files, with overrides; every field is known and typed, or the error says which is not."""

import copy
import dataclasses
import difflib
import re
from argparse import ArgumentError
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]
from jsonargparse import ArgumentParser

from xnorkit.errors import RecipeError
from xnorkit.train.recipe import (
    BinarizerSpec,
    DataSpec,
    ModelSpec,
    OptimizerSpec,
    Recipe,
    ScheduleSpec,
    StageSpec,
    TeacherSpec,
)

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11

__all__ = ["list_recipes", "load_recipe", "recipe_from_dict"]

SUFFIXES = (".yaml", ".yml")
# jsonargparse: Parser key "epochs": Expected a <class 'int'>. Got value: abc
MISMATCH = re.compile(
    r"""Parser key "(?P<key>[^"]+)": Expected an? <class '(?P<type>\w+)'>\. Got value: (?P<value>\S+)"""
)
SECTIONS: dict[str, type[Any]] = {
    "model": ModelSpec,
    "data": DataSpec,
    "optimizer": OptimizerSpec,
    "binary_optimizer": OptimizerSpec,
    "schedule": ScheduleSpec,
    "teacher": TeacherSpec,
    "pre_activation": BinarizerSpec,
    "post_activation": BinarizerSpec,
    "weight": BinarizerSpec,
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
    _check_names(fields, Recipe, source)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Recipe)
    try:
        # A copy: the parser fills in defaults in place.
        parsed = parser.parse_object(copy.deepcopy(dict(fields))).as_dict()
    except (ArgumentError, TypeError, ValueError) as error:
        raise RecipeError(f"recipe {source}: {_reason(error)}.") from error
    recipe = _build(Recipe, {**parsed, "stages": [_build(StageSpec, stage) for stage in parsed["stages"]]})
    if recipe.stages and fields.get("epochs", recipe.epochs) != recipe.epochs:
        raise RecipeError(
            f"recipe {source}: epochs={fields['epochs']} with stages of {recipe.epochs} epochs in all; required: the "
            "epochs of the stages alone. Leave epochs out, or change stages.0.epochs and so on."
        )
    return recipe


def _reason(error: Exception) -> str:
    """Return what the parser found wrong, as 'epochs=abc; required: int' where its message has that form."""
    message = " ".join(str(error).split()).replace("typing.", "")
    found = MISMATCH.fullmatch(message)
    if found is None:
        return f"{message}; required: fields and types of xnorkit.train.Recipe"
    return f"{found['key']}={found['value'].rstrip('.')}; required: {found['type']}"


def _build(kind: type[Any], fields: Mapping[str, Any]) -> Any:
    """Return a `kind` of parsed fields, its sections being mappings or None."""
    sections = {
        key: SECTIONS[key](**value) for key, value in fields.items() if key in SECTIONS and isinstance(value, Mapping)
    }
    return kind(**{**fields, **sections})


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
    section: Any = fields
    for step in path:
        section = _entry(section, step, override) if isinstance(section, list) else section.setdefault(step, {})
        if not isinstance(section, dict | list):
            raise RecipeError(f"override '{override}': '{step}' has no fields of its own; required: a section's field.")
    if isinstance(section, list):
        raise RecipeError(f"override '{override}' replaces a whole entry; required: one field, as stages.0.epochs=5.")
    section[last] = value


def _entry(entries: list[Any], step: str, override: str) -> Any:
    """Return the entry of a list that an override means by its number."""
    if not step.isdecimal() or int(step) >= len(entries):
        raise RecipeError(f"override '{override}': '{step}'; required: an entry from 0 to {len(entries) - 1}.")
    return entries[int(step)]


def _check_names(fields: Mapping[Any, Any], kind: type[Any], source: str, where: str = "") -> None:
    """Raise RecipeError for a name that is no field of `kind`; what is no mapping is left to the type check."""
    known = [entry.name for entry in dataclasses.fields(kind)]
    types = {entry.name: str(entry.type) for entry in dataclasses.fields(kind)}
    for key, value in fields.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=3) or sorted(known)
            names = ", ".join(where + name for name in near)
            raise RecipeError(f"recipe {source}: unknown field '{where}{key}'; near or known fields: {names}.")
        if value is None and "None" not in types[key]:
            raise RecipeError(f"recipe {source}: '{where}{key}' is empty; required: a value, or leave the field out.")
        is_section = key in SECTIONS and SECTIONS[key].__name__ in types[key]
        if is_section and value is not None and not isinstance(value, Mapping):
            fields_of = ", ".join(entry.name for entry in dataclasses.fields(SECTIONS[key]))
            raise RecipeError(f"recipe {source}: {where}{key}={value}; required: its fields, {fields_of}.")
        if is_section and isinstance(value, Mapping):
            _check_names(value, SECTIONS[key], source, f"{where}{key}.")
        if key == "stages" and isinstance(value, list):
            for index, stage in enumerate(value):
                if isinstance(stage, Mapping):
                    _check_names(stage, StageSpec, source, f"{where}{key}.{index}.")
