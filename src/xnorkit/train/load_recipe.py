"""Recipes from YAML files, with overrides; every field is known and typed, or the error says which is not."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]

from xnorkit.errors import RecipeError
from xnorkit.format import shown
from xnorkit.recipes import SUFFIXES, list_recipes, shipped
from xnorkit.train.fields import parse_yaml, read_yaml, typed
from xnorkit.train.recipe import Recipe

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11

__all__ = ["list_recipes", "load_recipe", "overridden", "recipe_from_dict"]


def load_recipe(name: str | Path, overrides: Sequence[str] = (), defaults: Mapping[str, Any] | None = None) -> Recipe:
    """Return the recipe of that name, or in that YAML file, with fields changed by `overrides`.

    Args:
        name: one of `list_recipes()`, or a path that ends in .yaml or .yml.
        overrides: "key=value" with dotted keys, as "epochs=5" or "optimizer.lr=1e-3".
        defaults: fields of the recipe that count where neither the recipe nor an override gives them.

    Raises:
        RecipeError: unknown recipe or field, with near matches; a value of the wrong type; a file that cannot be read,
            or names a key twice.
    """
    source = str(name)
    fields = {**(defaults or {}), **read_yaml(_file(source), f"recipe {source}")}
    for override in overrides:
        _override(fields, override)
    return recipe_from_dict(fields, source)


def recipe_from_dict(fields: Mapping[str, Any], source: str) -> Recipe:
    """Return a Recipe from nested mappings; `source` names them in errors (RecipeError, as `load_recipe`)."""
    recipe = typed(Recipe, fields, f"recipe {source}")
    if recipe.stages and fields.get("epochs", recipe.epochs) != recipe.epochs:
        raise RecipeError(
            f"recipe {source}: epochs={fields['epochs']}, but it must be {recipe.epochs}, the sum of its "
            "stages. Leave epochs out, or change stages.0.epochs and so on."
        )
    return recipe


def overridden(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Return `recipe` with fields changed by `overrides`; RecipeError as in `load_recipe`."""
    fields = recipe.to_dict()
    for override in overrides:
        _override(fields, override)
    return recipe_from_dict(fields, recipe.name) if overrides else recipe


def _file(source: str) -> "Traversable | Path":
    if source.endswith(SUFFIXES):
        return Path(source)
    if source not in list_recipes():
        near = difflib.get_close_matches(source, list_recipes(), n=3) or list_recipes()
        raise RecipeError(f"'{source}' is neither a recipe nor a .yaml file. Near or known names: {', '.join(near)}.")
    return shipped(source)


def _override(fields: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(
            f"override '{override}' must be key=value, such as epochs=5 or optimizer.lr=1e-3, but it is not."
        )
    try:
        value = parse_yaml(text, key)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"override {shown(override)}: the value is not YAML ({reason}), but it must be.") from error
    *path, last = key.split(".")
    section: Any = fields
    for step in path:
        section = _entry(section, step, override) if isinstance(section, list) else section.setdefault(step, {})
        if not isinstance(section, dict | list):
            raise RecipeError(f"override '{override}': '{step}' has no fields of its own, but it must be a section.")
    if isinstance(section, list):
        raise RecipeError(
            f"override '{override}' replaces a whole entry, but it must replace one field, as stages.0.epochs=5 does."
        )
    section[last] = value


def _entry(entries: list[Any], step: str, override: str) -> Any:
    """Return the entry of a list that an override means by its number."""
    if not step.isdecimal() or int(step) >= len(entries):
        raise RecipeError(
            f"override '{override}': '{step}' is not an entry, but it must be from 0 to {len(entries) - 1}."
        )
    return entries[int(step)]
