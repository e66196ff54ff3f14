"""Checkpoints of XNOR-Net-PyTorch and of the `bnn` package, loaded into models of this library."""

import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xnorkit.compat.legacy_file import LegacyFile, read_legacy_file
from xnorkit.compat.legacy_layouts import Layout, layout_of
from xnorkit.compat.match_weights import match_weights
from xnorkit.compat.zero_inputs import zero_one_layers
from xnorkit.errors import BinarizationWarning
from xnorkit.functional import center_
from xnorkit.nn import BinaryConv2d, BinaryLinear, project_
from xnorkit.train import Recipe
from xnorkit.train.stages import StageSwitch, build_model

__all__ = ["LegacyReport", "load_legacy_checkpoint", "loaded"]


@dataclass(frozen=True)
class LegacyReport:
    """The result of converting an old checkpoint.

    Attributes:
        layout: the code and network that its names belong to.
        model: the model that received its weights.
        matched: names in the file -> names in the model.
        absent_counters: counters of batch normalizations that files of old PyTorch versions lack; they stay 0.
        zero_weights: the number of weights of binary layers that are 0, which XNOR-Net-PyTorch takes as 0, and this
            library as +1.
        top1: the accuracy that its own code measured, as a fraction, or None.
        epochs: the number of epochs of its training, or None.
        assumed: assumptions about what the file does not record.
        zero_one: layers whose activations are 0 and 1, because their code takes the sign, with sign(0) = 0, of numbers
            that are never negative.
    """

    layout: str
    model: str
    matched: dict[str, tuple[str, ...]]
    absent_counters: tuple[str, ...]
    zero_weights: int
    top1: float | None
    epochs: int | None
    assumed: tuple[str, ...] = ()
    zero_one: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self)


def load_legacy_checkpoint(path: Path | str, model: nn.Module | None = None) -> tuple[nn.Module, LegacyReport]:
    """Return a model with the weights of an old checkpoint, and a report, without executing anything in the file.

    The known layouts are XNOR-Net-PyTorch's LeNet-5, NIN and AlexNet, and the ResNet-18 and -34 of the `bnn` package,
    with or without `module.` in the names. The weights in XNOR-Net-PyTorch's files are latent. As in its own
    evaluation, they are centred over the input channels and clamped to [-1, 1] once more, and the weights of batch
    normalizations of LeNet-5 and NIN are clamped to 0.01; alpha is the mean magnitude of the result. The only remaining
    difference is the sign of weights that are exactly 0, which is 0 in that code and +1 here.

    sign(0) of activations is 0 in that code as well. After a ReLU this is preserved: such layers get activations 0 and
    1 (`zero_one_layers`), as in their code.

    Args:
        path: the file.
        model: the model that receives the weights, with the names of the file or of this library's model. By default
            the function creates that model, in evaluation mode.

    Raises:
        InputError: the file is unreadable or has no known layout, names lack a counterpart, tensors have another shape,
            or a layer takes signs of zeros and of negative numbers.

    Examples:
        >>> model, report = load_legacy_checkpoint("nin.best.pth.tar")
        >>> report.layout, report.top1
        ('XNOR-Net-PyTorch, NIN on CIFAR-10', 0.8628)
    """
    file = read_legacy_file(path)
    layout = layout_of(file.weights, str(file.path))
    if model is not None:
        return model, load_into(model, file, layout)
    recipe, assumed = layout.recipe(file.weights)
    model, _, report = loaded(recipe, file, layout, assumed)
    return model.eval(), report


def loaded(
    recipe: Recipe, file: LegacyFile, layout: Layout, assumed: tuple[str, ...] = ()
) -> tuple[nn.Module, Recipe, LegacyReport]:
    """Return the model of `recipe` with the weights of `file`, the recipe with `zero_one_layers`, and a report."""
    classes = layout.num_classes(file.weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BinarizationWarning)  # signs after ReLUs become 0 and 1 below
        model = model_of(recipe, classes)
    report = load_into(model, file, layout, recipe.model.name, assumed)
    stages = list(recipe.stages)
    if not stages or not stages[-1].prepares:
        return model, recipe, report
    names = [*stages[-1].zero_one_layers, *zero_one_layers(model)]
    stages[-1] = replace(stages[-1], zero_one_layers=names)
    recipe = replace(recipe, stages=stages)
    model = model_of(recipe, classes)
    return model, recipe, replace(load_into(model, file, layout, recipe.model.name, assumed), zero_one=tuple(names))


def model_of(recipe: Recipe, num_classes: int) -> nn.Module:
    """Return the model of `recipe` in its last stage, with random weights."""
    model = build_model(recipe, num_classes)
    stages = recipe.all_stages()
    StageSwitch(model, stages).enter(len(stages) - 1)
    return model


@torch.no_grad()
def load_into(
    model: nn.Module, file: LegacyFile, layout: Layout, name: str | None = None, assumed: tuple[str, ...] = ()
) -> LegacyReport:
    """Copy the weights of `file` into `model` and return the report; see `load_legacy_checkpoint`."""
    name = name or type(model).__name__
    source = f"{file.path} ({layout.title}) for model '{name}'"
    matched = match_weights(file.weights, model.state_dict(), layout.rename, source)
    model.load_state_dict(matched.tensors, strict=False)
    binary = [
        module
        for module in model.modules()
        if isinstance(module, BinaryConv2d | BinaryLinear) and not isinstance(module.weight_pre_process, nn.Identity)
    ]
    if layout.latent:
        for layer in binary:
            center_(layer.weight)
        project_(model, closed=True)
    zeros = sum(int((layer.weight == 0).sum()) for layer in binary)
    return LegacyReport(
        layout.title, name, matched.names, matched.absent_counters, zeros, file.top1, file.epochs, assumed
    )
