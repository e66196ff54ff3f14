"""Projection of a model's parameters onto the sets where they must stay."""

from torch import nn

from xnorkit.nn._latent import LatentWeight

__all__ = ["project_"]


def project_(model: nn.Module, closed: bool = False) -> None:
    """Call `project_()` of `model` and of every submodule that has one, in place; call it after each optimizer step.

    Binary layers clamp their latent weights to (-1, 1), where the straight-through gradient is 1; with `closed` they
    clamp to [-1, 1], as XNOR-Net-PyTorch does, at whose ends it is 0. Also call it once before you fine-tune published
    weights of +1 and -1. A model may add its own rule (LeNet-5 keeps the weights of its batch normalizations positive).
    This is not part of forward, so that forward neither changes parameters nor hides operations from a tracer.
    """
    for module in model.modules():
        if isinstance(module, LatentWeight):
            module.project_(closed)
        elif callable(project := getattr(module, "project_", None)):
            project()
