"""Torch module -> torch.fx graph, with the layers of this library as leaves and the shape of every value."""

import copy
import traceback
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from xnorkit.errors import ExportError
from xnorkit.nn import BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d, BinaryLinear

__all__ = ["BATCH", "trace"]

BATCH = 2
"""Images in the run that finds the shapes: with one, `squeeze()` would drop the batch."""

LAYERS = (BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d, BinaryLinear)
LEAF_PACKAGES = ("xnorkit.nn", "xnorkit.ops")


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        ours = type(m).__module__.startswith(LEAF_PACKAGES) or isinstance(m, LAYERS)
        return ours or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module, input_shape: tuple[int, int, int]) -> fx.GraphModule:
    """Return a copy of `model` in evaluation mode as a torch.fx graph with shapes; the model stays as it is.

    Args:
        model: a module of float32 parameters whose control flow does not depend on tensor values.
        input_shape: (C, H, W) of one image.

    Raises:
        ExportError: no module, a parameter of another dtype or not finite, a shape that the model does not take, or a
            forward that torch.fx cannot follow.
    """
    _check(model, input_shape)
    model = copy.deepcopy(model).cpu().eval()
    images = torch.zeros(BATCH, *input_shape)
    try:
        with torch.no_grad():
            model(images)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ExportError(
            f"{type(model).__name__} does not run on one image of shape {tuple(input_shape)} (C, H, W): {reason}. "
            "Required: the input_shape that the model was trained on, and layers for images (Conv2d, Linear)."
        ) from error
    try:
        graph_module = fx.GraphModule(model, _Tracer().trace(model))
    except Exception as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ExportError(
            f"{type(model).__name__} cannot be traced by torch.fx{_where(error)}: {reason}. Required: a forward that "
            "takes the same steps for all images; give sizes that an if, a loop or len() reads to __init__, move what "
            "depends on the numbers out of forward, or export the submodule without it."
        ) from error
    with torch.no_grad():
        ShapeProp(graph_module).propagate(images)
    return graph_module


def _where(error: BaseException) -> str:
    """Return the line that torch.fx stopped at, in the innermost code that is neither PyTorch's nor of this package."""
    inside = tuple(f"{folder}/" for folder in (Path(torch.__file__).parent, Path(__file__).parent))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(inside)]
    if not frames:
        return ""
    last = frames[-1]
    return f" at line {last.lineno} of {Path(last.filename).name}, `{last.line}`"


def _check(model: Any, input_shape: Any) -> None:
    if not isinstance(model, nn.Module):
        raise ExportError(f"the model is {type(model).__name__}; required: a torch.nn.Module.")
    if len(input_shape) != 3 or any(not isinstance(size, int) or size < 1 for size in input_shape):
        raise ExportError(
            f"input_shape={input_shape}; required: three positive integers (C, H, W), such as (3, 32, 32)."
        )
    if isinstance(model, LAYERS):
        raise ExportError(
            f"the model is a single {type(model).__name__}; required: a network, as nn.Sequential(layer)."
        )
    for name, parameter in model.named_parameters():
        if parameter.dtype != torch.float32:
            raise ExportError(f"parameter '{name}' is {parameter.dtype}; required: float32, as model.float() gives.")
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ExportError(
                f"'{name}' holds NaN or infinity; required: finite numbers. Train again, at a lower rate."
            )
