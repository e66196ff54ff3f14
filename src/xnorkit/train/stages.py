"""The network of a recipe, and the stages that training brings it into."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from xnorkit.errors import InputError, RecipeError
from xnorkit.models import create_model, input_shape
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.nn._names import choose
from xnorkit.nn.quantize_model import quantize_first_last_
from xnorkit.ops import SteHeavisideBinarizer
from xnorkit.train.binarizers import factory
from xnorkit.train.recipe import Recipe, StageSpec

__all__ = ["StageSwitch", "averages_from", "build_model", "image_side", "set_progress", "stage_at"]


def build_model(
    recipe: Recipe,
    num_classes: int,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    given: nn.Module | None = None,
) -> nn.Module:
    """Return the model of `recipe` with random weights, its first and last layer 8-bit where the recipe says so.

    Args:
        recipe: see `load_recipe`.
        num_classes: number of logits.
        mean: of the images per channel, which an 8-bit first layer needs; without it, 0, to be loaded with the weights.
        std: as `mean`; without it, 1.
        given: a model to take in place of the recipe's; its layers are changed in place.
    """
    spec = recipe.model
    model = create_model(spec.name, num_classes, spec.binarization, **spec.options) if given is None else given
    first, last = spec.first_layer == "int8", spec.last_layer == "int8"
    if first or last:
        channels = input_shape(spec.name)[0] if mean is None else len(mean)
        mean = [0.0] * channels if mean is None else mean
        std = [1.0] * channels if std is None else std
        quantize_first_last_(model, first=first, last=last, mean=mean, std=std)
    return model


HALVES = {"activations": "activation_pre_process", "weights": "weight_pre_process"}


class StageSwitch:
    """Brings `model` into its stages, in order; each is entered from the one before.

    Float activations and float weights are the identity in place of the layer's binarizer, which is kept aside and put
    back, learned parameters and all. The structure of the model in a stage depends on the stages up to it alone, so a
    checkpoint is restored by entering them again.

    Args:
        model: in the state that the registry makes it; changed in place.
        stages: all stages, see `StageSpec`.
    """

    def __init__(self, model: nn.Module, stages: Sequence[StageSpec]) -> None:
        self.model, self.stages = model, list(stages)
        self.entered = -1
        self._aside: dict[tuple[str, str], nn.Module] = {}

    def enter(self, index: int) -> None:
        """Enter stage `index` through all stages since the last one entered.

        Raises:
            RecipeError: a name that no layer has, arguments that a binarizer refuses, or a stage of binary layers for a
                model without any.
        """
        while self.entered < index:
            self.entered += 1
            stage = self.stages[self.entered]
            try:
                self._enter(stage)
            except InputError as error:
                raise RecipeError(f"stage '{stage.name}': {error}") from error

    def _enter(self, stage: StageSpec) -> None:
        for (name, attribute), process in self._aside.items():
            setattr(self.model.get_submodule(name), attribute, process)
        self._aside = {}
        if stage.prepares:
            self._prepare(stage)
        elif stage.zero_one_layers:
            raise InputError("zero_one_layers is given without pre_activation, but the stage must have binarizers.")
        layers = {
            name: module
            for name, module in self.model.named_modules()
            if all(hasattr(module, h) for h in HALVES.values())
        }
        if stage.name and not layers and "binary" in (stage.activations, stage.weights):
            raise InputError(
                "the model has no binary layer, but it must have one. Give model.binarization=xnor, binarizers in the "
                "stage, or float activations and weights."
            )
        ignored: set[str] = set()
        for pattern in () if stage.prepares else stage.ignore_layers:
            ignored |= choose(pattern, list(layers), "ignore_layers") if layers else set()
        for name, layer in layers.items():
            for half, attribute in HALVES.items():
                if name in ignored or getattr(stage, half) == "float":
                    self._aside[name, attribute] = getattr(layer, attribute)
                    setattr(layer, attribute, nn.Identity())

    def _prepare(self, stage: StageSpec) -> None:
        makes = []
        for field in ("pre_activation", "post_activation", "weight"):
            spec = getattr(stage, field)
            makes.append(factory(f"stage '{stage.name}', {field}", spec.name, spec.args) if spec else nn.Identity)
        config = BConfig(*makes)
        clip = stage.pre_activation.args.get("clip", 1.0) if stage.pre_activation else None
        pre = SteHeavisideBinarizer.with_args(clip=math.inf if clip is None else clip)
        zero_one = dict.fromkeys(stage.zero_one_layers, replace(config, activation_pre_process=pre))
        prepare_binary_model(
            self.model, config, custom_config_layers_name=zero_one, ignore_layers_name=stage.ignore_layers
        )


def stage_at(stages: Sequence[StageSpec], epoch: int) -> tuple[int, int]:
    """Return (number of the stage that `epoch` lies in, its first epoch), all from 0; beyond the end, the last one."""
    first = 0
    for index, stage in enumerate(stages[:-1]):
        if epoch < first + stage.epochs:
            return index, first
        first += stage.epochs
    return len(stages) - 1, first


def averages_from(stages: Sequence[StageSpec], start: float) -> int:
    """Return the first epoch, from 0, of an average that begins at the share `start` of the last stage."""
    last = stages[-1].epochs
    return sum(stage.epochs for stage in stages) - last + int(start * last)


def image_side(stage: StageSpec, epoch: int) -> int | None:
    """Return the side in pixels of the training images in an epoch of a stage, from 0; None for whole images."""
    end = 0.0
    for side, share in (stage.sizes or {}).items():
        end += share * stage.epochs
        if epoch < round(end):
            return side
    return None


def set_progress(model: nn.Module, fraction: float) -> None:
    """Call `set_progress(fraction)` of every submodule that has it: binarizers with a schedule."""
    for module in model.modules():
        anneal: Any = getattr(module, "set_progress", None)
        if callable(anneal):
            anneal(fraction)
