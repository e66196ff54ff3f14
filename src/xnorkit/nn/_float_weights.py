"""Finds modules that multiply by their own weights and have no binary counterpart: they stay float."""

from collections.abc import Collection, Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod

from xnorkit.nn._latent import LatentWeight
from xnorkit.nn.integer import IntegerLayer

__all__ = ["computes_weight", "float_weights", "why_float"]

LOOKUPS_AND_NORMS = (
    nn.Embedding,
    nn.EmbeddingBag,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
    nn.modules.batchnorm._NormBase,
)


def computes_weight(module: nn.Module) -> bool:
    """Return whether each forward computes `weight` from other tensors: parametrizations, hooks, masks."""
    # Do not read a parametrized weight: that would compute it, and a spectral norm would take a step.
    return parametrize.is_parametrized(module, "weight") or (
        "weight" not in module._parameters and isinstance(module.__dict__.get("weight"), Tensor)
    )


def why_float(module: nn.Module, known: Collection[type[nn.Module]]) -> str | None:
    """Return why `prepare_binary_model` leaves the weights of `module` float, or None if it has none or swaps them.

    Weights are parameters of the module itself whose name contains "weight" and that have two or more axes longer than
    1. Embeddings, which look up and do not multiply, and norms are left out.

    Args:
        module: any module.
        known: the classes that become binary, unless their weight is computed.
    """
    computed = computes_weight(module)
    left_out = isinstance(module, (LatentWeight, IntegerLayer, *LOOKUPS_AND_NORMS))
    if left_out or (type(module) in known and not computed):
        return None
    kind = type(module).__name__
    if parametrize.is_parametrized(module):
        rules: Any = module.parametrizations
        names = {type(rule).__name__.strip("_") for several in rules.values() for rule in several}
        return _computed("parametrization", names, "torch.nn.utils.parametrize.remove_parametrizations")
    if not any(_is_weight(name, parameter) for name, parameter in module._parameters.items()):
        return None
    if computed:
        hooks = module._forward_pre_hooks.values()
        pruned = any(isinstance(hook, BasePruningMethod) for hook in hooks)
        remedy = (
            "torch.nn.utils.prune.remove" if pruned else "torch.nn.utils.remove_weight_norm or remove_spectral_norm"
        )
        return _computed("hook", {type(hook).__name__ for hook in hooks}, remedy)
    if any(parameter is not None and is_lazy(parameter) for parameter in module._parameters.values()):
        return f"{kind} gets its weight with its first input; run the model once first"
    return f"{kind} has no binary counterpart"


def float_weights(model: nn.Module, known: Collection[type[nn.Module]]) -> Iterator[tuple[str, str]]:
    """Yield (dotted name, why) of each module of `model` that `why_float` names.

    Modules inside a binary layer belong to it, and those inside a `torch.nn.MultiheadAttention` are named with it.
    """
    inside: set[int] = set()
    for name, module in model.named_modules():
        if id(module) in inside:
            continue
        if isinstance(module, LatentWeight | IntegerLayer | nn.MultiheadAttention):
            inside |= {id(child) for child in module.modules()}
        why = why_float(module, known)
        if why is not None:
            yield name, why


def _is_weight(name: str, parameter: Tensor | None) -> bool:
    if parameter is None or "weight" not in name:
        return False
    return is_lazy(parameter) or sum(size > 1 for size in parameter.shape) > 1


def _computed(by: str, names: Collection[str], remedy: str) -> str:
    return f"its weight is computed by the {by} {', '.join(sorted(names))}; {remedy} first"
