"""Things of the user's own, named in a recipe as `package.module:Name` and imported only then."""

import difflib
import os
import re
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from xnorkit.errors import InputError, RecipeError

__all__ = ["TRUST", "check_trust", "is_own", "own", "own_hint", "own_names"]

TRUST = "XNORKIT_TRUST"
"""Variable that lists the packages, with commas, which checkpoints may name."""
FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def is_own(name: object) -> bool:
    """Return whether a name in a recipe is meant as `package.module:Name`."""
    return isinstance(name, str) and ":" in name


def own_hint(name: object) -> str:
    """Return how to name a thing of one's own, for a name that is written as package.module.Name; "" for others."""
    if not isinstance(name, str) or not FORM.fullmatch(name.replace(".", ":", 1)):
        return ""
    module, _, thing = name.rpartition(".")
    return f"For a thing of your own, write {module}:{thing}."


def own(name: str, where: str) -> Any:
    """Return what `package.module:Name` names. The module is imported; the current folder is searched last.

    Args:
        name: the module and a name in it.
        where: what to call the place in errors, as "model.name".

    Raises:
        RecipeError: another form, a module that is absent or fails, or a name that it lacks.
    """
    if not FORM.fullmatch(name):
        raise RecipeError(f"{where}={name}, but it must read package.module:Name, such as my_package.nets:MyNet.")
    module_name, _, path = name.partition(":")
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.append(os.getcwd())
    try:
        found: Any = import_module(module_name)
    except Exception as error:  # the user's code may raise what it likes
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise RecipeError(
            f"{where}={name}: the import of {module_name} fails ({reason}). The module must be installed, or lie in "
            "the current folder."
        ) from error
    for step in path.split("."):
        if not hasattr(found, step):
            near = difflib.get_close_matches(step, dir(found), n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise RecipeError(f"{where}={name}: {module_name} has no {step}.{hint or ' Name something that is in it.'}")
        found = getattr(found, step)
    return found


def own_names(fields: Any) -> list[str]:
    """Return the names of the form `package.module:Name` under the keys `name` and `binarization` of nested fields."""
    if isinstance(fields, dict):
        mine = [fields[key] for key in ("name", "binarization") if is_own(fields.get(key))]
        return mine + [name for value in fields.values() for name in own_names(value)]
    return [name for value in fields for name in own_names(value)] if isinstance(fields, list) else []


def check_trust(names: Iterable[str], path: object) -> None:
    """Raise InputError for a file that would import what is not trusted: files may come from strangers.

    Trusted are the packages that the variable XNORKIT_TRUST lists.
    """
    trusted = {package.strip() for package in os.environ.get(TRUST, "").split(",")}
    for name in names:
        package = re.split(r"[.:]", name)[0]
        if package not in trusted:
            raise InputError(
                f"{path} names {name}, code that is not part of xnorkit, and importing it needs your permission. If "
                f"you trust the file and the package, set {TRUST}={package} in the environment."
            )
