"""Layers of a model by name: all their aliases, and the patterns that select some of them."""

import difflib
import re
from collections.abc import Callable, Iterator

from torch import nn

from xnorkit.errors import InputError

__all__ = ["choose", "named_layers"]

IsLayer = Callable[[nn.Module], bool]
SHOWN = 8


def named_layers(model: nn.Module, is_layer: IsLayer, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield (dotted name, layer) in the order of `named_modules`, a shared layer under each of its names.

    The inside of a layer is skipped: its processes may hold their own layers, which are not the model's.
    """
    if is_layer(model):
        yield prefix, model
        return
    for name, child in _children(model):
        yield from named_layers(child, is_layer, f"{prefix}.{name}" if prefix else name)


def choose(pattern: str, names: list[str], argument: str) -> set[str]:
    """Return the names that `pattern` stands for.

    Args:
        pattern: a name; the name of a module that holds layers, for all of them; `$regex$`, searched in the names;
            `_first_` or `_last_`.
        names: all the layers, in order.
        argument: name of the argument that the pattern was in, for the error.

    Raises:
        InputError: the pattern stands for no layer, or is not a regular expression; with near matches.
    """
    if pattern == "_first_":
        return {names[0]}
    if pattern == "_last_":
        return {names[-1]}
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "$":
        try:
            expression = re.compile(pattern[1:-1])
        except re.error as error:
            raise InputError(
                f"{argument}: {pattern!r} is not a regular expression ({error}), but it must be $regex$ as in the "
                "module re."
            ) from error
        chosen = {name for name in names if expression.search(name)}
    else:
        chosen = {name for name in names if name == pattern or name.startswith(f"{pattern}.")}
    if not chosen:
        near = difflib.get_close_matches(pattern.strip("$"), names, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"The layers are: {_shorten(names)}."
        raise InputError(
            f"{argument}: {pattern!r} stands for no layer of the model, but it must be the dotted name of a layer or "
            f"of a module that holds some, $regex$, _first_ or _last_. {hint}"
        )
    return chosen


def _children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the children; unlike `named_children`, a child with two names twice."""
    yield from ((name, child) for name, child in module._modules.items() if child is not None)


def _shorten(names: list[str]) -> str:
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more
