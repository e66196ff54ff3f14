"""Copies of the user's model that may be run and changed, and the checks that come before everything else."""

import copy
import inspect
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize, prune

from xnorkit.errors import ExportError, InputError
from xnorkit.nn import BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d, BinaryLinear

__all__ = ["BATCH", "bake_", "check_model", "check_runs", "copied", "first_line"]

BATCH = 2
"""Images in the run that finds the shapes: with one, `squeeze()` would drop the batch."""

SINGLE = (BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d, BinaryLinear)


def copied(model: nn.Module) -> nn.Module:
    """Return an otherwise unchanged copy of a model, in evaluation mode on the CPU."""
    computed = [  # deepcopy refuses tensors with a history, such as the weights that old-style hooks leave in layers
        value for module in model.modules() for value in vars(module).values() if torch.is_tensor(value)
    ]
    try:
        made = copy.deepcopy(model, {id(tensor): tensor.detach().clone() for tensor in computed})
        made.cpu()
        made.eval()
        return made
    except Exception as error:
        raise ExportError(
            f"{type(model).__name__} cannot be copied: {first_line(error)}. It must be a model that copy.deepcopy "
            "accepts. Move tensors that a forward keeps in attributes out of the model."
        ) from error


def bake_(model: nn.Module) -> None:
    """Write the weights that parametrizations and pruning compute in evaluation mode into the layers."""
    for module in model.modules():
        if parametrize.is_parametrized(module):
            _bake_parametrizations(module)
        for hook in list(module._forward_pre_hooks.values()):
            kind = type(hook).__name__
            if isinstance(hook, prune.BasePruningMethod):
                prune.remove(module, hook._tensor_name)
            elif kind == "WeightNorm":
                nn.utils.remove_weight_norm(module, hook.name)  # type: ignore[attr-defined]
            elif kind == "SpectralNorm":
                nn.utils.remove_spectral_norm(module, hook.name)  # type: ignore[attr-defined]


def _bake_parametrizations(module: nn.Module) -> None:
    """Give a parametrized layer its own class again.

    PyTorch's function would change the class that this copy shares with the user's model.
    """
    names: Any = module.parametrizations
    weights = {name: getattr(module, name).detach().clone() for name in names}
    module.__class__ = type(module).__bases__[0]
    del module._modules["parametrizations"]
    for name, weight in weights.items():
        module.register_parameter(name, nn.Parameter(weight))


def check_runs(model: nn.Module, input_shape: tuple[int, int, int]) -> None:
    """Raise ExportError unless `model`, in evaluation mode, runs on images of `input_shape` (C, H, W)."""
    try:
        with torch.no_grad():
            model(torch.zeros(BATCH, *input_shape))
    except Exception as error:
        where = f"{type(model).__name__} does not run on one image of shape {tuple(input_shape)} (C, H, W)"
        remedy = "Pass the input_shape that the model was trained on, and use layers for images (Conv2d, Linear)."
        remedy = "" if isinstance(error, InputError) else f" {remedy}"  # which has its own
        raise ExportError(f"{where}: {first_line(error)}.{remedy}") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an exception, in plain words if PyTorch's are not."""
    text = str(error).partition("\n")[0].rstrip(".")
    functions = "setup_context" in text or "Functionalize rule" in text
    return "it calls its own torch.autograd.Function outside a known layer" if functions else text


def check_model(model: Any) -> None:
    """Raise ExportError unless `model` is a module of finite float32 parameters that takes one image."""
    if not isinstance(model, nn.Module):
        raise ExportError(f"the model is {type(model).__name__}, but it must be a torch.nn.Module.")
    kind = type(model).__name__
    for attribute in ("module", "_orig_mod"):
        if kind in ("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel", "OptimizedModule"):
            inner = getattr(model, attribute, None)
            if isinstance(inner, nn.Module):
                raise ExportError(f"the model is wrapped in {kind}, but it must be bare. Pass `model.{attribute}`.")
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise ExportError(
            f"{kind} is or holds a scripted module, but it must be the nn.Module from which that was made."
        )
    unprintable = next((path for path, _ in model.named_modules() if path and not path.isprintable()), None)
    if unprintable is not None:
        raise ExportError(
            f"the module {unprintable!r} has a name with characters that cannot be printed, but names become those of "
            "the file's nodes. Rename it."
        )
    if isinstance(model, SINGLE):
        raise ExportError(f"the model is a single {kind}, but it must be a network, such as nn.Sequential(layer).")
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        raise ExportError(f"{kind} has lazy layers that have not seen an image, but it must have run once.")
    try:
        inspect.signature(model.forward).bind(None)
    except TypeError as error:
        raise ExportError(
            f"the forward of {kind} does not take one argument ({error}), but it must take one image input."
        ) from None
    _check_numbers(model)


@torch.no_grad()
def _check_numbers(model: nn.Module) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_meta:
            raise ExportError(f"'{name}' is on the meta device, but it must hold numbers. Load the model's weights.")
    for name, parameter in model.named_parameters():
        if parameter.dtype != torch.float32:
            raise ExportError(f"parameter '{name}' is {parameter.dtype}, but it must be float32. Use model.float().")
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ExportError(
                f"'{name}' holds NaN or infinity, but its numbers must be finite. Train again, at a lower rate."
            )
