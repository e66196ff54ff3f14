"""Which parameters of a model are binary weights."""

from collections.abc import Iterator

from torch import nn

__all__ = ["binary_layers", "split_parameters"]


def binary_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield (dotted name, layer) of every layer whose weight is binarized now.

    A binary layer is recognized by its `weight` and its module `weight_pre_process`. If that module is the identity, as
    in a training stage with float weights, the layer is left out.
    """
    for name, module in model.named_modules():
        process = getattr(module, "weight_pre_process", nn.Identity())
        if not isinstance(process, nn.Identity) and isinstance(getattr(module, "weight", None), nn.Parameter):
            yield name, module


def split_parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return (latent weights of the binary layers, all other parameters), each in the order of `model.parameters()`."""
    latent = {id(layer.weight) for _, layer in binary_layers(model)}
    binary = [p for p in model.parameters() if id(p) in latent]
    return binary, [p for p in model.parameters() if id(p) not in latent]
