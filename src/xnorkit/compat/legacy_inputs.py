"""The possible input images of an old network, whose file does not record them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xnorkit.errors import InputError
from xnorkit.format import Preparation
from xnorkit.train import DataSpec, Recipe

__all__ = ["CIFAR_INPUTS", "LegacyInput", "chosen_input", "normalized_by", "with_data_of"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class LegacyInput:
    """The input images of an old network.

    Attributes:
        words: a description.
        data: the data set that yields them, or the pixels from which they are made.
        mean, std: the mean and standard deviation of their normalisation.
        preparation: the other steps from pixels to inputs, or that the inputs are prepared floats.
    """

    words: str
    data: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    preparation: Preparation


CIFAR_INPUTS: Mapping[str, LegacyInput] = {
    "whitened": LegacyInput(
        "the whitened floats of the four files of XNOR-Net-PyTorch",
        "cifar10-whitened",
        (0.0,) * 3,
        (1.0,) * 3,
        Preparation(prepared="whitened"),
    ),
    "plain": LegacyInput("pixels of CIFAR-10", "cifar10", IMAGENET_MEAN, IMAGENET_STD, Preparation()),
    "transposed": LegacyInput(
        "pixels of CIFAR-10 with height and width swapped",
        "cifar10",
        IMAGENET_MEAN,
        IMAGENET_STD,
        Preparation(transposed=True),
    ),
}
"""The name of an input -> the images of a network for 32x32 images in XNOR-Net-PyTorch's layout."""


def with_data_of(kind: LegacyInput, recipe: Recipe) -> Recipe:
    """Return `recipe` with the data set of `kind`, unless it has one of that kind already."""
    return recipe if _fits(kind, recipe) else replace(recipe, data=DataSpec(kind.data))


def chosen_input(inputs: Mapping[str, LegacyInput], name: str | None, recipe: Recipe) -> tuple[LegacyInput, str]:
    """Return the input `name`, by default the one that fits the recipe's data set, and the assumption made.

    Raises:
        InputError: the input does not fit the data set, or the data set leaves a choice but `name` is None.
    """
    data = recipe.data.name
    if name is None:
        fitting = [key for key, kind in inputs.items() if _fits(kind, recipe)]
        if len(fitting) != 1:
            raise InputError(
                f"data.name={data} yields pixels, but the file does not record in which form its network reads them. "
                f"Choose the input {' or '.join(fitting)}."
            )
        others = " or ".join(key for key in inputs if key != fitting[0])
        return inputs[fitting[0]], f"images are {inputs[fitting[0]].words}; else name the input {others}"
    kind = inputs[name]
    if not _fits(kind, recipe):
        raise InputError(
            f"input {name} with data.name={data}, but it needs a data set of {kind.words}. Use data.name={kind.data}."
        )
    return kind, ""


def normalized_by(
    kind: LegacyInput, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[LegacyInput, str]:
    """Return `kind` with the given mean and std; if none are given, return the assumption made.

    Raises:
        InputError: only one of them is given, they are not three numbers each with std above 0, or the inputs of `kind`
            are not pixels.
    """
    if mean is None and std is None:
        numbers = f"mean {_list(kind.mean)} and std {_list(kind.std)}, those of ImageNet"
        words = f"pixels are normalised, (pixel / 255 - mean) / std with {numbers}; else give mean and std"
        return kind, "" if kind.preparation.prepared else words
    fits = mean is not None and std is not None and len(mean) == len(std) == 3 and min(std) > 0
    fits = fits and all(map(math.isfinite, (*(mean or ()), *(std or ()))))
    if not fits or kind.preparation.prepared:
        given = f"mean {_list(mean)} and std {_list(std)}"
        need = (
            "prepared floats take neither. Omit both"
            if kind.preparation.prepared
            else "both must be three finite numbers, with std above 0"
        )
        raise InputError(f"{given}, but {need}.")
    assert mean is not None
    assert std is not None
    return replace(kind, mean=tuple(mean), std=tuple(std)), ""


def _fits(kind: LegacyInput, recipe: Recipe) -> bool:
    return (kind.preparation.prepared is not None) == (recipe.data.name == CIFAR_INPUTS["whitened"].data)


def _list(numbers: Sequence[float] | None) -> str:
    return "(none)" if numbers is None else ",".join(map(str, numbers))
