"""Binarizers by name, for YAML files, and BinaryChef: a YAML list of steps that binarize a model further."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xnorkit import ops
from xnorkit.errors import RecipeError, XnorkitError
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.own import is_own, own, own_hint
from xnorkit.train.fields import read_yaml

__all__ = ["BinaryChef", "factory"]

Make = Callable[..., nn.Module]

IDENTITIES = ("nn.Identity", "torch.nn.Identity", "Identity")
FUNCTIONS: dict[str, Callable[..., Any]] = {"torch.tanh": torch.tanh, "torch.sigmoid": torch.sigmoid}


def factory(where: str, name: Any, args: Any = None, user_modules: Iterable[Make] = ()) -> Make:
    """Return a factory for `BConfig` from the name of a binarizer and its arguments.

    Args:
        where: what to call the place in errors.
        name: a binarizer of `xnorkit.ops`, "nn.Identity", the class name of one of `user_modules`, or a class of your
            own as `package.module:Name`.
        args: mapping of keyword arguments or None; the values "torch.tanh" and "torch.sigmoid" stand for the functions.
        user_modules: classes that may be named besides.

    Raises:
        RecipeError: an unknown name (with near matches), or arguments that the constructor does not have.
    """
    known: dict[str, Make] = {key: kind for key in ops.__all__ if _is_process(kind := getattr(ops, key))}
    known |= dict.fromkeys(IDENTITIES, nn.Identity)
    known |= {getattr(kind, "__name__", str(kind)): kind for kind in user_modules}
    if is_own(name):
        known[name] = own(name, where)
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), known, n=3) or sorted(known)
        hint = own_hint(name) or f"Near or known names: {', '.join(near)}."
        raise RecipeError(f"{where}: {name!r} is not a binarizer. {hint}")
    if not args:
        return known[name]
    if not isinstance(args, Mapping) or not all(isinstance(key, str) for key in args):
        raise RecipeError(f"{where}: args={args!r}, but it must be a mapping from argument names to values.")
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


PROCESSES = ("pre_activation", "post_activation", "weight")
IGNORED = "ignore_layer_names"


class BinaryChef:
    """Prepares a model for one step of staged training after another.

    The file maps the name of each step, in order, to `pre_activation`, `post_activation` and `weight`, each with a
    `name` (a binarizer of `xnorkit.ops`, "nn.Identity", or one of `user_modules`) and optional `args`, and to the list
    `ignore_layer_names` (dotted names, `$regex$`, "_first_", "_last_"). A process that is left out is the identity.
    For steps with their own optimizer, epochs and teacher use the `stages` of a recipe.

    Args:
        config: path of the file.
        user_modules: binarizer classes of your own, known by their class name.

    Raises:
        RecipeError: a file that cannot be read, an unknown name or field (with near matches), wrong arguments.

    Examples:
        >>> chef = BinaryChef("steps.yaml")
        >>> for _ in range(len(chef)):
        ...     model = chef.next(model)
        ...     train(model)

    Signs of numbers that are never negative, as after a ReLU, are 0 and 1 (`activations="auto"` of
    `prepare_binary_model`), as sign(0) = 0 makes them in the original.

    Source: the class of that name in Bulat's binary-networks-pytorch. Differs: names are looked up, nothing in the file
    is evaluated.
    """

    def __init__(self, config: str | Path, user_modules: Iterable[Callable[..., nn.Module]] = ()) -> None:
        self.path, self.user_modules = str(config), tuple(user_modules)
        self.steps = self._read()
        self.current_step = 0

    def __len__(self) -> int:
        return len(self.steps)

    def get_num_steps(self) -> int:
        """Return the number of steps."""
        return len(self)

    def run_step(self, model: nn.Module, step: int) -> nn.Module:
        """Return `model`, changed in place as step number `step` (from 0) says; learned scales survive.

        Raises:
            RecipeError: no such step.
            InputError: an ignored name that no layer has.
        """
        if not 0 <= step < len(self):
            raise RecipeError(
                f"step={step}, but it must be from 0 to {len(self) - 1}: {self.path} has {len(self)} steps."
            )
        bconfig, ignored = self.steps[step]
        return prepare_binary_model(model, bconfig, ignore_layers_name=ignored, activations="auto")

    def next(self, model: nn.Module) -> nn.Module:
        """Run the step after the last one that `next` ran."""
        model = self.run_step(model, self.current_step)
        self.current_step += 1
        return model

    def _read(self) -> list[tuple[BConfig, list[str]]]:
        content = read_yaml(Path(self.path), self.path)
        if not all(isinstance(step, dict) for step in content.values()):
            raise RecipeError(
                f"{self.path} holds something else, but it must be a mapping from the name of each step to its fields."
            )
        return [self._step(f"{self.path}: {name}", step) for name, step in content.items()]

    def _step(self, where: str, step: Mapping[str, Any]) -> tuple[BConfig, list[str]]:
        unknown = [str(key) for key in step if key not in (*PROCESSES, IGNORED)]
        ignored = step.get(IGNORED) or []
        if unknown or not isinstance(ignored, list) or not all(isinstance(name, str) for name in ignored):
            raise RecipeError(
                f"{where} has the fields {', '.join(map(str, step))}, but they must be some of {', '.join(PROCESSES)}, "
                f"and {IGNORED}, a list of names."
            )
        pre, post, weight = (self._factory(f"{where}.{field}", step.get(field)) for field in PROCESSES)
        try:
            return BConfig(pre, post, weight), ignored
        except XnorkitError as error:
            raise RecipeError(f"{where}: {error}") from error

    def _factory(self, where: str, process: Any) -> Callable[..., nn.Module]:
        process = {"name": "nn.Identity"} if process is None else process
        if not isinstance(process, dict) or not set(process) <= {"name", "args"} or "name" not in process:
            raise RecipeError(f"{where} holds {process!r}, but it must hold name, and args if it has some.")
        return factory(where, process["name"], process.get("args"), self.user_modules)
