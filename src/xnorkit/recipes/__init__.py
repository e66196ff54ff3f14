"""The recipes that ship, by name; `xnorkit.train.load_recipe` reads them as typed fields."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11

__all__ = ["SUFFIXES", "description", "list_recipes", "shipped"]

SUFFIXES = (".yaml", ".yml")


def list_recipes() -> list[str]:
    """Return the sorted names of the recipes in the package."""
    return sorted(Path(file.name).stem for file in files(__package__).iterdir() if file.name.endswith(SUFFIXES))


def shipped(name: str) -> "Traversable":
    """Return the file of a recipe of that name, one of `list_recipes()`."""
    return files(__package__) / f"{name}.yaml"


def description(name: str) -> str:
    """Return what a recipe of that name says about itself."""
    import yaml  # type: ignore[import-untyped]

    return str(yaml.safe_load(shipped(name).read_text(encoding="utf-8")).get("description", ""))
