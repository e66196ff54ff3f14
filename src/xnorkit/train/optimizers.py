"""Optimizer, parameter groups and learning-rate schedule of a recipe."""

import copy
import difflib
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from xnorkit.errors import InputError, RecipeError
from xnorkit.nn._names import choose
from xnorkit.optim import Bop, CaseOptimizer, split_parameters
from xnorkit.own import is_own, own
from xnorkit.train.recipe import Recipe, StageSpec
from xnorkit.train.specs import GroupSpec, OptimizerSpec, ScheduleSpec
from xnorkit.train.stages import StageSwitch, build_model

__all__ = [
    "check_groups",
    "make_model_optimizer",
    "make_optimizer",
    "make_schedule",
    "parameter_groups",
    "schedule_factor",
]

SHOWN = 8


def parameter_groups(spec: OptimizerSpec, model: nn.Module, parameters: Iterable[nn.Parameter]) -> list[dict[str, Any]]:
    """Return `parameters` of `model` as groups with `lr` and `weight_decay`, as the rules of `spec` say.

    The rules apply in order, and each sets the numbers that it names, so the last rule to name a number counts.
    Parameters with the same numbers are one group; that with the numbers of `spec` itself comes first, as the log shows
    the learning rate of the first group. A rule that matches nothing here is not an error: see `check_groups`.
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


def check_groups(recipe: Recipe, num_classes: int, given: nn.Module | None = None) -> None:
    """Raise RecipeError if a rule of the recipe's parameter groups matches no parameter in any stage.

    Which parameters there are, and which are binary, depends on the stage, so a copy of the network goes through all of
    them. This happens before anything is trained.
    """
    stages = recipe.all_stages()
    if not any(spec.groups for stage in stages for spec in (stage.optimizer, stage.binary_optimizer) if spec):
        return
    model = build_model(recipe, num_classes, given=copy.deepcopy(given))
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
        f"{field}.groups: match={pattern!r} stands for no parameter that {field} trains, but it must be batchnorm, "
        "bias, binary, the dotted name of a parameter or of a module that holds some, $regex$, _first_ or _last_. "
        f"Near or known names: {names}{'' if near or len(known) <= SHOWN else f', and {len(known) - SHOWN} more'}."
    )


def make_optimizer(
    spec: OptimizerSpec, parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]]
) -> torch.optim.Optimizer:
    """Return the optimizer that `spec` names; RecipeError if one of the user's own does not take its arguments."""
    if is_own(spec.name):
        decay = {"weight_decay": spec.weight_decay} if spec.weight_decay else {}
        try:
            made: torch.optim.Optimizer = own(spec.name, "optimizer.name")(parameters, lr=spec.lr, **decay, **spec.args)
        except (TypeError, ValueError) as error:
            raise RecipeError(
                f"optimizer {spec.name}: {error}. It must be a torch.optim.Optimizer that takes parameters, lr and "
                "args."
            ) from error
        return made
    if spec.name == "bop":
        return Bop(parameters, threshold=spec.threshold, gamma=spec.lr)
    if spec.name == "sgd":
        return torch.optim.SGD(
            parameters, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay, nesterov=spec.nesterov
        )
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[spec.name]
    return kind(parameters, lr=spec.lr, weight_decay=spec.weight_decay)


def make_model_optimizer(spec: OptimizerSpec, binary: OptimizerSpec | None, model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer for `model`: `binary` for its binary latent weights if given, `spec` for all else.

    A model without binary weights, or in a stage where they are float, has `spec` alone.
    """
    latent, rest = split_parameters(model)
    if binary is not None and latent:
        parts = ((binary, latent), (spec, rest))
        return CaseOptimizer(*(make_optimizer(each, _grouped(each, model, own)) for each, own in parts))
    if spec.groups:
        return make_optimizer(spec, parameter_groups(spec, model, model.parameters()))
    if latent and not spec.decay_binary:
        groups: list[dict[str, Any]] = [{"params": latent, "weight_decay": 0.0}, {"params": rest}]
        return make_optimizer(spec, groups)
    return make_optimizer(spec, model.parameters())


def _grouped(
    spec: OptimizerSpec, model: nn.Module, parameters: list[nn.Parameter]
) -> list[nn.Parameter] | list[dict[str, Any]]:
    return parameter_groups(spec, model, parameters) if spec.groups else parameters


def make_schedule(
    spec: ScheduleSpec, optimizer: torch.optim.Optimizer, epochs: int, steps_per_epoch: int
) -> LRScheduler:
    """Return a schedule that is to be stepped after every optimizer step."""
    if spec.name == "one-cycle":
        return OneCycle(spec, optimizer, epochs * steps_per_epoch)
    return LambdaLR(optimizer, lambda step: schedule_factor(spec, step / steps_per_epoch, epochs))


class OneCycle(OneCycleLR):
    """PyTorch's schedule over `steps` steps; a run that continues with more epochs follows the longer cycle.

    OneCycleLR counts the learning rates, of which there are `steps` + 1: one before each step, and one after the last.
    Its peak lies at pct_start * (steps + 1) - 1, which is to be warmup_share * steps.
    """

    def __init__(self, spec: ScheduleSpec, optimizer: torch.optim.Optimizer, steps: int) -> None:
        super().__init__(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=steps + 1,
            pct_start=(spec.warmup_share * steps + 1) / (steps + 1),
            anneal_strategy="cos" if spec.anneal == "cosine" else "linear",
            cycle_momentum=False,
            div_factor=1 / spec.start_factor,
            final_div_factor=spec.start_factor / spec.final_factor if spec.final_factor else math.inf,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state but for the length of the run, which may have grown."""
        length = ("total_steps", "_schedule_phases")
        super().load_state_dict({key: value for key, value in state_dict.items() if key not in length})


def schedule_factor(spec: ScheduleSpec, epoch: float, epochs: int) -> float:
    """Return the factor on the learning rate at a (fractional) epoch of a run of `epochs`; see `ScheduleSpec`.

    "one-cycle" is not among them: `make_schedule` leaves it to PyTorch.
    """
    if epoch < spec.warmup_epochs:
        return epoch / spec.warmup_epochs
    if spec.name == "constant":
        return 1.0
    if spec.name == "step":
        return spec.gamma ** math.floor(epoch / spec.step_epochs)
    if spec.name == "milestones":
        return spec.gamma ** sum(epoch >= milestone for milestone in spec.milestones)
    progress = min((epoch - spec.warmup_epochs) / max(epochs - spec.warmup_epochs, 1e-9), 1.0)
    if spec.name == "linear":
        return 1.0 - progress
    return 0.5 * (1 + math.cos(math.pi * progress))
