"""Create models by name."""

import difflib
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from xnorkit.errors import RecipeError
from xnorkit.models.entries import ENTRIES, Entry
from xnorkit.nn import BinaryConv2d, BinaryLinear
from xnorkit.zoo import list_pretrained

__all__ = ["ModelCounts", "binarizations", "count_weights", "create_model", "input_shape", "list_models"]


class ModelCounts(NamedTuple):
    """The numbers of all parameters and of the weights of binary layers, including those with float activations."""

    params: int
    binary_weights: int


def create_model(
    name: str,
    num_classes: int | None = None,
    binarization: str | None = None,
    *,
    pretrained: bool = False,
    **options: Any,
) -> nn.Module:
    """Return a new model with random weights, in training mode; or a packed trained one, for evaluation only.

    Args:
        name: one of `list_models()`; with `pretrained` one of `xnorkit.zoo.list_pretrained()`.
        num_classes: the number of logits, at least 1; by default that of the data set for which the model is designed.
        binarization: one of `binarizations(name)`, described in `xnorkit.models.BINARIZATIONS`; by default the first of
            them, which is "xnor" for most models, otherwise that of the model's paper.
        pretrained: return the trained model that ships under this name, on the engine
            (`xnorkit.models.pretrained.PretrainedModule`), which accepts no other argument.
        options: options of the model, such as `block_type` of ResNets.

    Raises:
        RecipeError: the name, binarization or an option is unknown; the message suggests near matches.
        InputError: an option does not accept its value, or no trained model has this name.

    Examples:
        >>> model = create_model("resnet18-cifar10", binarization="react", shortcut_type="binary")
    """
    if pretrained:
        # Imported here, because training a model needs neither the exporter nor the engine.
        from xnorkit.models.pretrained import load_pretrained_module

        return load_pretrained_module(name, {"num_classes": num_classes, "binarization": binarization, **options})
    entry = _entry(name)
    if binarization is None:
        binarization = entry.binarizations[0]
    elif binarization not in entry.binarizations:
        raise _unknown(f"a binarization of model '{name}'", binarization, entry.binarizations)
    num_classes = entry.data[1] if num_classes is None else num_classes
    if num_classes < 1:
        raise RecipeError(f"num_classes={num_classes}, but it must be at least 1.")
    for option in options:
        if option not in entry.options:
            raise _unknown(f"an option of model '{name}'", option, entry.options)
    return entry.make(num_classes=num_classes, binarization=binarization, **options)


def binarizations(name: str) -> tuple[str, ...]:
    """Return the binarizations that model `name` offers, the default first; an unknown name is a RecipeError."""
    return _entry(name).binarizations


def input_shape(name: str) -> tuple[int, int, int]:
    """Return the image shape (C, H, W) of model `name`; an unknown name is a RecipeError."""
    return _entry(name).data[0]


def count_weights(name: str, binarization: str | None = None, **options: Any) -> ModelCounts:
    """Return the counts of the model that `create_model` returns for the default classes, without allocating it.

    Raises:
        RecipeError: as `create_model`.

    Examples:
        >>> count_weights("lenet5")
        ModelCounts(params=431220, binary_weights=425000)
    """
    with torch.device("meta"), _NoDraws():
        model = create_model(name, binarization=binarization, **options)
    binary = [m for m in model.modules() if isinstance(m, BinaryConv2d | BinaryLinear)]
    return ModelCounts(sum(p.numel() for p in model.parameters()), sum(m.weight.numel() for m in binary))


class _NoDraws(TorchFunctionMode):
    """Skips normal draws, which do nothing on the meta device but take a second to import PyTorch's compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "").endswith("normal_"):  # a method of tensors, or a function of torch.nn.init
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def list_models(pattern: str | None = None) -> list[str]:
    """Return the sorted model names, or those that match a shell pattern such as `lenet*`."""
    return sorted(name for name in ENTRIES if pattern is None or fnmatchcase(name, pattern))


def _entry(name: str) -> Entry:
    if name not in ENTRIES and name in list_pretrained():
        raise RecipeError(
            f"'{name}' must be an architecture, but it is a trained model. Pass pretrained=True or choose one of "
            "list_models()."
        )
    if name not in ENTRIES:
        raise _unknown("a model", name, list_models())
    return ENTRIES[name]


def _unknown(what: str, name: str, known: Collection[str]) -> RecipeError:
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Choose one of {', '.join(known)}." if known else "Omit it: there are none."
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    return RecipeError(f"'{name}' is not {what}. {hint}")
