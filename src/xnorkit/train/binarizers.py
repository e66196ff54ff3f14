"""Binarizers by name, for YAML files: a name is looked up in a table, never evaluated."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from xnorkit import ops
from xnorkit.errors import RecipeError, XnorkitError

__all__ = ["factory"]

Make = Callable[..., nn.Module]

IDENTITIES = ("nn.Identity", "torch.nn.Identity", "Identity")
FUNCTIONS: dict[str, Callable[..., Any]] = {"torch.tanh": torch.tanh, "torch.sigmoid": torch.sigmoid}


def factory(where: str, name: Any, args: Any = None, user_modules: Iterable[Make] = ()) -> Make:
    """Return a factory for `BConfig` from the name of a binarizer and its arguments.

    Args:
        where: what to call the place in errors.
        name: a binarizer of `xnorkit.ops`, "nn.Identity", or the class name of one of `user_modules`.
        args: mapping of keyword arguments or None; the values "torch.tanh" and "torch.sigmoid" stand for the functions.
        user_modules: classes that may be named besides.

    Raises:
        RecipeError: an unknown name (with near matches), or arguments that the constructor does not have.
    """
    known: dict[str, Make] = {key: kind for key in ops.__all__ if _is_process(kind := getattr(ops, key))}
    known |= dict.fromkeys(IDENTITIES, nn.Identity)
    known |= {getattr(kind, "__name__", str(kind)): kind for kind in user_modules}
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), known, n=3) or sorted(known)
        raise RecipeError(f"{where}: unknown binarizer {name!r}; near or known names: {', '.join(near)}.")
    if not args:
        return known[name]
    if not isinstance(args, Mapping) or not all(isinstance(key, str) for key in args):
        raise RecipeError(f"{where}: args={args!r}; required: a mapping from argument names to values.")
    values = {key: FUNCTIONS.get(value, value) if isinstance(value, str) else value for key, value in args.items()}
    kind = known[name]
    try:
        if hasattr(kind, "with_args"):
            return kind.with_args(**values)
        inspect.signature(kind).bind_partial(**values)
        return partial(kind, **values)
    except (TypeError, XnorkitError) as error:
        raise RecipeError(f"{where}: {name} with args {dict(args)}: {error}") from error


def _is_process(kind: Any) -> bool:
    """Return whether a name of `xnorkit.ops` can be made: not a base class, nor a helper."""
    bases = (ops.Annealed, ops.ActivationBinarizer, ops.OutputProcess, ops.ScaledSignBinarizer, ops.WeightBinarizer)
    return isinstance(kind, type) and issubclass(kind, nn.Module) and kind not in bases
