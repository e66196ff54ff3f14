"""Torch module -> list of steps: torch.fx with the binary layers as leaves, shapes filled in, idioms normalised."""

import copy
import operator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from xnorkit.errors import ExportError
from xnorkit.nn import BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d, BinaryLinear, Identity
from xnorkit.nn.integer import IntegerLayer

__all__ = ["Step", "trace_chain"]

BINARY = (BinaryConv2d, BinaryLinear)
LEAVES = (*BINARY, BinaryConv1d, BinaryConv3d, BinaryConvTranspose2d, IntegerLayer)
FLOAT = (nn.Conv2d, nn.Linear)
NORM = (nn.BatchNorm1d, nn.BatchNorm2d)
DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)
ELEMENTWISE = (
    *NORM,
    *(nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.PReLU),
    *(nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.ELU, nn.Softplus, nn.SiLU, nn.GELU, nn.Hardswish),
)
RELU_CALLS: tuple[Any, ...] = (F.relu, torch.relu, torch.relu_, "relu", "relu_")
FLATTEN_CALLS: tuple[Any, ...] = (torch.flatten, torch.reshape, "flatten", "view", "reshape")
SIZE_CALLS: tuple[Any, ...] = (operator.getitem, getattr, "size")


@dataclass(frozen=True)
class Step:
    """One operation of a model without branches.

    kind is 'binary' | 'float' | 'elementwise' | 'max_pool' | 'flatten'; in_shape and out_shape are without the batch:
    (C, H, W) or (features,).
    """

    name: str
    kind: str
    module: nn.Module
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, LEAVES) or super().is_leaf_module(m, module_qualified_name)


def trace_chain(model: nn.Module, input_shape: tuple[int, int, int]) -> list[Step]:
    """Return the steps of `model` in order; identities (nn.Identity, dropout) are dropped.

    Args:
        model: a module built from torch.nn layers, `BinaryConv2d` and `BinaryLinear`, each value used once. It is
            copied and set to evaluation; the caller's module stays as it is.
        input_shape: (C, H, W) of one image.

    Raises:
        ExportError: names the module that branches, joins, cannot be traced or has no counterpart on bits.
    """
    if not isinstance(model, nn.Module):
        raise ExportError(f"the model is {type(model).__name__}; required: a torch.nn.Module.")
    if len(input_shape) != 3 or any(not isinstance(size, int) or size < 1 for size in input_shape):
        raise ExportError(
            f"input_shape={input_shape}; required: three positive integers (C, H, W), such as (3, 32, 32)."
        )
    if isinstance(model, BINARY):
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
    model = copy.deepcopy(model).cpu().eval()
    image = torch.zeros(1, *input_shape)
    try:
        with torch.no_grad():
            model(image)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ExportError(
            f"{type(model).__name__} does not run on one image of shape {tuple(input_shape)} (C, H, W): {reason}. "
            "Required: the input_shape that the model was trained on, and layers for images (Conv2d, Linear)."
        ) from error
    try:
        graph = _Tracer().trace(model)
        graph_module = fx.GraphModule(model, graph)
    except Exception as error:
        raise ExportError(
            f"{type(model).__name__} cannot be traced by torch.fx: {error}. Required: a forward whose control flow "
            "does not depend on tensor values; move such code out of forward, or export the submodule that has none."
        ) from error
    with torch.no_grad():
        ShapeProp(graph_module).propagate(image)
    return _walk(graph_module)


def _walk(graph_module: fx.GraphModule) -> list[Step]:
    steps: list[Step] = []
    current: fx.Node | None = None
    before: tuple[int, ...] = ()
    for node in graph_module.graph.nodes:
        if _is_size(node):
            continue
        label = str(node.target) if node.op == "call_module" else node.name
        if node.op == "get_attr":
            raise ExportError(
                f"'{label}': a parameter or buffer is used directly in forward; required: torch.nn modules only."
            )
        tensors = [a for a in node.all_input_nodes if not _is_size(a)]
        if node.op == "placeholder":
            if current is not None:
                raise ExportError(f"'{label}' is a second input of the model; required: one image input.")
        elif len(tensors) != 1 or tensors[0] is not current:
            names = [t.name for t in tensors]
            raise ExportError(
                f"'{label}' takes {names}; required: the value of the step before it ('{current}'). Models with "
                "branches or joins (residual sums, concatenation) are not expressed by this exporter."
            )
        elif node.op == "output":
            if not isinstance(node.args[0], fx.Node):
                raise ExportError("the model returns a structure; required: one tensor of logits.")
        else:
            steps += _step(node, label, graph_module, before, _shape(node))
        current = node
        before = _shape(node) if node.op != "output" else before
    return steps


def _step(node: fx.Node, label: str, root: nn.Module, before: tuple[int, ...], after: tuple[int, ...]) -> list[Step]:
    module = root.get_submodule(str(node.target)) if node.op == "call_module" else _as_module(node, before, after)
    if isinstance(module, (nn.Identity, *DROPOUT)) or (isinstance(module, nn.Flatten) and before == after):
        return []
    rules: list[tuple[Any, str]] = [
        (BINARY, "float" if _is_float(module) else "binary"),
        (FLOAT, "float"),
        (ELEMENTWISE, "elementwise"),
        (nn.MaxPool2d, "max_pool"),
        (nn.Flatten, "flatten"),
    ]
    kind = next((kind for types, kind in rules if isinstance(module, types)), None)
    if module is None or kind is None:
        what = type(module).__name__ if module is not None else f"{node.op} {node.target}"
        raise ExportError(
            f"'{label}' ({what}) has no counterpart on bits. Required: BinaryConv2d, BinaryLinear, Conv2d, Linear, "
            "BatchNorm, activations, MaxPool2d, Flatten, Dropout or Identity."
        )
    _check(label, module, before, after)
    return [Step(label, kind, module, before, after)]


def _is_float(module: nn.Module | None) -> bool:
    """True for a layer that `BConfig()` made: its three processes are identities."""
    if not isinstance(module, BINARY):
        return False
    processes = (module.activation_pre_process, module.weight_pre_process, module.activation_post_process)
    return all(isinstance(process, nn.Identity | Identity) for process in processes)


def _check(label: str, module: nn.Module, before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """Refuse settings of known modules that have no counterpart."""
    if isinstance(module, IntegerLayer):
        raise ExportError(
            f"'{label}' ({type(module).__name__}) is an 8-bit integer layer; required: a float or a binary layer, the "
            "`.xnor` format has no 8-bit weights. Train with float first and last layers to export."
        )
    if isinstance(module, BINARY) and not _is_float(module) and (reason := module.bit_reason()):
        raise ExportError(
            f"'{label}' does not run on bits: {reason}. Required: an activation binarizer with values +1 and -1, a "
            "weight binarizer of the form scale * sign, and nothing behind the layer; see docs/binarizers.md."
        )
    if isinstance(module, NORM) and module.running_mean is None:
        raise ExportError(f"'{label}' has no running statistics; required: BatchNorm with track_running_stats=True.")
    if isinstance(module, nn.MaxPool2d) and module.return_indices:
        raise ExportError(f"'{label}': return_indices=True has no counterpart; required: False.")
    if isinstance(module, nn.Conv2d) and module.padding_mode != "zeros":
        raise ExportError(f"'{label}': padding_mode='{module.padding_mode}'; required: 'zeros'.")
    if isinstance(module, nn.Linear) and len(before) != 1:
        raise ExportError(f"'{label}': Linear on a value of shape {before}; required: one flat vector per image.")
    if isinstance(module, nn.Flatten) and len(after) != 1:
        raise ExportError(f"'{label}' flattens {before} to {after}; required: one flat vector per image (start_dim=1).")


def _as_module(node: fx.Node, before: tuple[int, ...], after: tuple[int, ...]) -> nn.Module | None:
    """Return the module that a functional or method call stands for, None if there is none."""
    if node.target in RELU_CALLS:
        return nn.ReLU()
    if node.target in FLATTEN_CALLS and (before == after or len(after) == 1):
        return nn.Flatten()
    if node.target in (F.dropout, "contiguous"):
        return nn.Identity()
    return None


def _is_size(node: fx.Node) -> bool:
    """True for x.size(0), x.shape and x.shape[0]: integers that only feed a view."""
    return node.op in ("call_method", "call_function") and node.target in SIZE_CALLS and "tensor_meta" not in node.meta


def _shape(node: fx.Node) -> tuple[int, ...]:
    meta = node.meta.get("tensor_meta")
    if meta is None or not hasattr(meta, "shape"):
        raise ExportError(f"'{node.name}' is not one tensor; required: every step returns one tensor.")
    return tuple(meta.shape[1:])
