"""Parameters and binary weights of a model by name, counted without allocating it."""

from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from xnorkit.models.registry import create_model
from xnorkit.nn import BinaryConv2d, BinaryLinear

__all__ = ["ModelCounts", "count_weights"]


class ModelCounts(NamedTuple):
    """All parameters of a model, and the weights of its binary layers (including those with float activations)."""

    params: int
    binary_weights: int


def count_weights(name: str, binarization: str | None = None, **options: Any) -> ModelCounts:
    """Return the counts of a model as `create_model` makes it with the default classes, without allocating it.

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
    """Skips draws from N: on the meta device they do nothing, but first take a second to import PyTorch's compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "").endswith("normal_"):  # a method of tensors, or a function of torch.nn.init
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
