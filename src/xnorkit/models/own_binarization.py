"""Models and binarizations of the user's own, by name."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from xnorkit.errors import RecipeError
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, WeightBinarizer, XNORWeightBinarizer
from xnorkit.own import own

__all__ = ["own_binarization", "own_model"]


def own_binarization(name: str) -> BConfig:
    """Return the BConfig that `package.module:Name` names.

    A binarizer of activations stands beside the weights of XNOR-Net, and one of weights beside the plain sign.

    Raises:
        RecipeError: as `xnorkit.own.own`, or it is neither.
    """
    found = own(name, "model.binarization")
    if isinstance(found, BConfig):
        return found
    if isinstance(found, type) and issubclass(found, WeightBinarizer):
        return BConfig(BasicInputBinarizer, weight_pre_process=found)
    if isinstance(found, type) and issubclass(found, nn.Module):
        return BConfig(found, weight_pre_process=XNORWeightBinarizer)
    raise RecipeError(
        f"model.binarization={name} is a {type(found).__name__}, but it must be a BConfig or a class of binarizers."
    )


def own_model(
    name: str, num_classes: int | None, binarization: str | BConfig | None, options: Mapping[str, Any]
) -> nn.Module:
    """Return the model that `package.module:Name` makes, binarized by a BConfig but for its first and last layer.

    Raises:
        RecipeError: as `xnorkit.own.own`, it does not take the arguments, or it does not return a module.
    """
    make = own(name, "model.name")
    given = {**({} if num_classes is None else {"num_classes": num_classes}), **options}
    try:
        model = make(**given)
    except TypeError as error:
        raise RecipeError(
            f"model.name={name} must be a class or function that takes num_classes and the options by keyword, but "
            f"with {', '.join(given) or 'no arguments'}: {error}."
        ) from error
    if not isinstance(model, nn.Module):
        raise RecipeError(f"model.name={name} returns a {type(model).__name__}, but it must return a torch.nn.Module.")
    if isinstance(binarization, BConfig):
        prepare_binary_model(model, binarization, ignore_layers_name=["_first_", "_last_"])
    elif binarization not in (None, "xnor"):  # "xnor" is what a recipe has that says nothing
        raise RecipeError(
            f"model.binarization={binarization} is a name of xnorkit's models, but {name} is your own. Leave it out, "
            "or name a BConfig as package.module:Name."
        )
    return model
