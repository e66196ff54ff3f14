"""Optimizer and learning-rate schedule of a recipe."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from xnorkit.optim import Bop, CaseOptimizer, split_parameters
from xnorkit.train.groups import parameter_groups
from xnorkit.train.specs import OptimizerSpec, ScheduleSpec

__all__ = ["make_model_optimizer", "make_optimizer", "make_schedule", "schedule_factor"]


def make_optimizer(
    spec: OptimizerSpec, parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]]
) -> torch.optim.Optimizer:
    """Return the optimizer that `spec` names."""
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
    """PyTorch's schedule over `steps` steps; a run that goes on with more epochs goes on along the longer cycle.

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
