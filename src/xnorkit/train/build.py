"""The network of a recipe, before its first stage."""

from collections.abc import Sequence

from torch import nn

from xnorkit.models import create_model, input_shape
from xnorkit.nn.quantize_model import quantize_first_last_
from xnorkit.train.recipe import Recipe

__all__ = ["build_model"]


def build_model(
    recipe: Recipe, num_classes: int, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> nn.Module:
    """Return the model of `recipe` with random weights, its first and last layer 8-bit where the recipe says so.

    Args:
        recipe: see `load_recipe`.
        num_classes: number of logits.
        mean: of the images per channel, which an 8-bit first layer needs; without it, 0, to be loaded with the weights.
        std: as `mean`; without it, 1.
    """
    spec = recipe.model
    model = create_model(spec.name, num_classes, spec.binarization, **spec.options)
    channels = input_shape(spec.name)[0]
    quantize_first_last_(
        model,
        first=spec.first_layer == "int8",
        last=spec.last_layer == "int8",
        mean=[0.0] * channels if mean is None else mean,
        std=[1.0] * channels if std is None else std,
    )
    return model
