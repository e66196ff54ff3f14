"""Parameter groups: rules of a recipe that give some parameters another learning rate or weight decay."""

import difflib
from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from xnorkit.errors import InputError, RecipeError
from xnorkit.nn._names import choose
from xnorkit.optim import split_parameters
from xnorkit.train.build import build_model
from xnorkit.train.recipe import Recipe, StageSpec
from xnorkit.train.specs import GroupSpec, OptimizerSpec
from xnorkit.train.stages import StageSwitch

__all__ = ["check_groups", "parameter_groups"]

SHOWN = 8


def parameter_groups(spec: OptimizerSpec, model: nn.Module, parameters: Iterable[nn.Parameter]) -> list[dict[str, Any]]:
    """Return `parameters` of `model` as groups with `lr` and `weight_decay`, as the rules of `spec` say.

    The rules apply in order, and each sets the numbers that it names, so the last rule to name a number counts.
    Parameters with the same numbers are one group; that with the numbers of `spec` itself comes first, as the log shows
    the learning rate of the first group. A rule that matches nothing here is no error: see `check_groups`.
    """
    latent = {id(p) for p in split_parameters(model)[0]}
    matches = [(rule, _matching(rule.match, model)) for rule in spec.groups]
    groups: dict[tuple[float, float], list[nn.Parameter]] = {(spec.lr, spec.weight_decay): []}
    for name, parameter in _named(model, parameters).items():
        factor = 1.0
        decay = 0.0 if id(parameter) in latent and not spec.decay_binary else spec.weight_decay
        for rule, names in matches:
            if name in names:
                factor = factor if rule.lr_factor is None else rule.lr_factor
                decay = decay if rule.weight_decay is None else rule.weight_decay
        groups.setdefault((spec.lr * factor, decay), []).append(parameter)
    return [{"params": found, "lr": lr, "weight_decay": decay} for (lr, decay), found in groups.items() if found]


def check_groups(recipe: Recipe, num_classes: int) -> None:
    """Raise RecipeError if a rule of the recipe's parameter groups matches no parameter in any stage.

    Which parameters there are, and which are binary, depends on the stage, so a copy of the network goes through all of
    them. This happens before anything is trained.
    """
    stages = recipe.all_stages()
    if not any(spec.groups for stage in stages for spec in (stage.optimizer, stage.binary_optimizer) if spec):
        return
    model = build_model(recipe, num_classes)
    switch = StageSwitch(model, stages)
    matched: set[tuple[str, GroupSpec]] = set()
    unmatched: dict[tuple[str, GroupSpec], list[str]] = {}
    for index, stage in enumerate(stages):
        switch.enter(index)
        for field, spec, parameters in _optimizers(stage, model):
            names = _named(model, parameters)
            for rule in spec.groups:
                if names.keys() & _matching(rule.match, model):
                    matched.add((field, rule))
                else:
                    unmatched.setdefault((field, rule), list(names))
    for (field, rule), known in unmatched.items():
        if (field, rule) not in matched:
            raise RecipeError(f"recipe '{recipe.name}': {_complaint(field, rule.match, known)}")


def _optimizers(stage: StageSpec, model: nn.Module) -> Iterable[tuple[str, OptimizerSpec, list[nn.Parameter]]]:
    """Yield (field of the recipe, its value, the parameters that it steps) of a stage."""
    latent, rest = split_parameters(model)
    if stage.binary_optimizer is not None:
        yield "binary_optimizer", stage.binary_optimizer, latent
    if stage.optimizer is not None:
        yield "optimizer", stage.optimizer, rest if stage.binary_optimizer is not None else [*latent, *rest]


def _named(model: nn.Module, parameters: Iterable[nn.Parameter]) -> dict[str, nn.Parameter]:
    """Return `parameters` by name, in the order of the model."""
    wanted = {id(p) for p in parameters}
    return {name: p for name, p in model.named_parameters() if id(p) in wanted}


def _matching(pattern: str, model: nn.Module) -> set[str]:
    """Return the names of the parameters that a rule's `match` stands for."""
    names = [name for name, _ in model.named_parameters()]
    if pattern == "bias":
        return {name for name in names if name.rpartition(".")[2] == "bias"}
    if pattern == "binary":
        return set(_named(model, split_parameters(model)[0]))
    if pattern == "batchnorm":
        norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
        return set(_named(model, (p for norm in norms for p in norm.parameters())))
    if pattern in ("_first_", "_last_"):
        layers = [name.rpartition(".")[0] for name in names]
        chosen = choose(pattern, layers, "match")
        return {name for name, layer in zip(names, layers, strict=True) if layer in chosen}
    try:
        return choose(pattern, names, "match")
    except InputError:
        return set()


def _complaint(field: str, pattern: str, known: list[str]) -> str:
    near = difflib.get_close_matches(pattern.strip("$"), known, n=3, cutoff=0.5)
    names = ", ".join(near or known[:SHOWN])
    return (
        f"{field}.groups: match={pattern!r} stands for no parameter that {field} trains; required: batchnorm, bias, "
        "binary, the dotted name of a parameter or of a module that holds some, $regex$, _first_ or _last_. Near or "
        f"known names: {names}{'' if near or len(known) <= SHOWN else f', and {len(known) - SHOWN} more'}."
    )
