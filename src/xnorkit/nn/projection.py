"""Projection of a model's parameters onto the sets that they must stay in."""

from torch import nn

__all__ = ["project_"]


def project_(model: nn.Module) -> None:
    """Call `project_()` of `model` and of every submodule that has one, in place; call it after each optimizer step.

    Binary layers clamp their latent weights to [-1, 1]. A model may add its own rule (LeNet-5 keeps the weights of its
    batch normalizations positive). It stands here and not in forward, so that forward neither changes parameters nor
    hides operations from a tracer.
    """
    for module in model.modules():
        project = getattr(module, "project_", None)
        if callable(project):
            project()
