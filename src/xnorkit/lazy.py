"""Names of a package that are imported when they are first used, so that what needs no PyTorch runs without it."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["attach"]


def attach(package: str, names: Mapping[str, tuple[str, ...]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package: a name is looked up in its module once, when it is first used.

    Args:
        package: full name of the package.
        names: modules of the package -> the public names in them; none has the name of a module, which would hide it.

    A name that needs torch raises ModuleNotFoundError where torch is not installed, with what to install.
    """
    homes = {name: f"{package}.{module}" for module, own in names.items() for name in own}

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        try:
            value = getattr(import_module(homes[name]), name)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            message = f"{package}.{name} needs torch; install it with: pip install 'xnorkit[train]'"
            raise ModuleNotFoundError(message, name="torch") from error
        setattr(sys.modules[package], name, value)
        return value

    def names_of() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return get, names_of
