"""torch.fx graph -> values: modules and calls become operations, views are followed, idioms normalised."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from xnorkit.errors import ExportError
from xnorkit.export.arithmetic import ARITHMETIC, add_arithmetic
from xnorkit.export.builder import Builder
from xnorkit.export.calls import as_module
from xnorkit.export.layers import add_layer, refuse_unsupported
from xnorkit.export.operations import Concat, GlobalAvgPool
from xnorkit.export.pointwise import pointwise_module
from xnorkit.export.reshaping import add_reshaping
from xnorkit.export.trace import BATCH, trace
from xnorkit.export.values import Network, Value
from xnorkit.export.views import View, whole_view

__all__ = ["build_network"]

IDENTITIES = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
VIEW_MODULES = (nn.Flatten, nn.Unflatten, nn.ChannelShuffle)
VIEW_FUNCTIONS: tuple[Any, ...] = (
    *(torch.flatten, torch.reshape, torch.permute, torch.transpose, torch.swapaxes, torch.squeeze, torch.unsqueeze),
    *(torch.chunk, torch.split, torch.movedim, torch.unflatten, torch.repeat_interleave, torch.narrow),
    *(operator.getitem, getattr, torch.index_select, F.channel_shuffle, torch.channel_shuffle),
)
VIEW_METHODS = (
    *("view", "reshape", "flatten", "permute", "transpose", "swapaxes", "squeeze", "unsqueeze", "chunk", "split"),
    *("size", "dim", "movedim", "unflatten", "repeat", "repeat_interleave", "expand", "narrow", "t", "index_select"),
)
MEANS: tuple[Any, ...] = (torch.mean, "mean")
CONCATS: tuple[Any, ...] = (torch.cat, torch.concat, torch.concatenate)


def build_network(model: nn.Module, input_shape: tuple[int, int, int]) -> tuple[Network, fx.GraphModule]:
    """Return the values of a model, and its torch.fx graph, whose nodes `Value.source` names.

    Raises:
        ExportError: names the module or call that has no counterpart, and says why.
    """
    graph_module = trace(model, input_shape)
    walk = _Walk(graph_module, input_shape)
    with torch.no_grad():
        for node in graph_module.graph.nodes:
            walk.step(node)
    network = walk.builder.network(walk.output())
    network.values = list(network.live())
    return network, graph_module


class _Walk:
    """Follows the fx nodes in order; `known` is what each gave: a view, a tuple of views, a constant, a size."""

    def __init__(self, root: fx.GraphModule, input_shape: tuple[int, int, int]) -> None:
        self.root = root
        self.builder = Builder(input_shape)
        self.known: dict[fx.Node, Any] = {}
        self.result: Any = None
        self.resolved: dict[int, Value] = {}

    def step(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            if any(n.op == "placeholder" for n in self.known):
                raise ExportError(f"'{node.name}' is a second input of the model; required: one image input.")
            self.builder.image.source = node.name
            self.known[node] = whole_view(self.builder.image, node.name)
        elif node.op == "get_attr":
            self.known[node] = operator.attrgetter(str(node.target))(self.root)
        elif node.op == "output":
            self.result = fx.node.map_arg(node.args[0], lambda n: self.known[n])
        else:
            self.known[node] = self._call(node)

    def output(self) -> Value:
        """Return the model's output; it must be one tensor."""
        if not isinstance(self.result, View):
            raise ExportError("the model returns a structure; required: one tensor of logits.")
        return self._value(self.result)

    def _call(self, node: fx.Node) -> Any:
        args = [fx.node.map_arg(arg, lambda n: self.known[n]) for arg in node.args]
        kwargs = fx.node.map_arg(dict(node.kwargs), lambda n: self.known[n])
        views = [v for v in _flat([*args, *kwargs.values()]) if isinstance(v, View)]
        target: Any = self.root.get_submodule(str(node.target)) if node.op == "call_module" else node.target
        if not views and node.op != "call_module":
            return target(*args, **kwargs) if callable(target) else getattr(args[0], target)(*args[1:], **kwargs)
        if self._is_view(node, target, args):
            return self._follow(node, target, args, kwargs)
        if node.op == "call_module":
            refuse_unsupported(str(node.target), target)
            return self._module(str(node.target), node, target, self._value(args[0] if args else views[0]))
        return self._function(node, target, args, kwargs)

    def _is_view(self, node: fx.Node, target: Any, args: list[Any]) -> bool:
        if isinstance(target, VIEW_MODULES):
            return True
        return target in (VIEW_METHODS if node.op == "call_method" else VIEW_FUNCTIONS)

    def _follow(self, node: fx.Node, target: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Run a view on the positions of the one value that it reads."""
        base = next(v for v in _flat([*args, *kwargs.values()]) if isinstance(v, View)).base

        def index(item: Any) -> Any:
            return item.index if isinstance(item, View) else item

        args, kwargs = _map(index, args), _map(index, kwargs)
        try:
            made = getattr(args[0], target)(*args[1:], **kwargs) if isinstance(target, str) else target(*args, **kwargs)
        except Exception as error:
            raise ExportError(f"'{node.name}': {error}; required: a view of one value.") from error
        return _map(lambda item: View(base, item, node.name) if isinstance(item, Tensor) else item, made)

    def _value(self, view: Any) -> Value:
        """Return the value that a view stands for, with the operations that its moves need."""
        if not isinstance(view, View):
            raise ExportError(f"{view!r} is read where a tensor is required.")
        if id(view) not in self.resolved:
            value = view.base
            for operation, shape, torch_shape in view.resolve():
                value = self.builder.add(view.source, operation, (value,), torch_shape, shape)
            if value is not view.base:
                value.source = view.source
            self.resolved[id(view)] = value
        return self.resolved[id(view)]

    def _module(self, name: str, node: fx.Node, module: nn.Module, x: Value) -> Any:
        if isinstance(module, IDENTITIES):
            return View(x, whole_view(x, node.name).index, node.name)
        shape = _shape(node)
        dims = len(x.torch_shape) - 1
        made = add_layer(self.builder, name, module, x, shape)
        if made is None:
            operation = pointwise_module(name, module, dims)
            if operation is not None:
                made = self.builder.add(name, operation, (x,), x.torch_shape, x.shape)
        made = made or add_reshaping(self.builder, name, module, x, shape)
        if made is None:
            raise ExportError(
                f"'{name}' ({type(module).__name__}) has no counterpart. Required: layers of xnorkit.nn, "
                "Conv1d/2d, Linear, BatchNorm, activations, pools, padding, Flatten, Dropout or Identity."
            )
        return self._done(node, made)

    def _done(self, node: fx.Node, value: Value) -> View:
        value.source = node.name
        return whole_view(value, node.name)

    def _function(self, node: fx.Node, target: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if target in MEANS:
            return self._done(node, self._mean(node, args))
        if target in CONCATS:
            return self._done(node, self._concat(node, args, kwargs))
        if target in ARITHMETIC:
            operands = [self._value(arg) if isinstance(arg, View) else arg for arg in args]
            return self._done(node, add_arithmetic(self.builder, node.name, target, operands, kwargs))
        view = args[0] if args else kwargs.pop("input", None)
        if isinstance(view, View):
            module = as_module(target, tuple(args[1:]), kwargs)
            if module is not None:
                return self._module(node.name, node, module, self._value(view))
        called = target if isinstance(target, str) else getattr(target, "__name__", target)
        raise ExportError(
            f"'{node.name}' (a call of {called}) has no counterpart; required: sums, products, concatenation, views, "
            "means over the image and the calls of torch.nn.functional that stand for modules."
        )

    def _mean(self, node: fx.Node, args: list[Any]) -> Value:
        """Return the mean over all positions; `x.view(n, c, -1).mean(-1)` is one, too."""
        view, shape = args[0], _shape(node)
        base = view.base
        plain = torch.equal(view.index.flatten(), whole_view(base, "").index.flatten())
        counted = BATCH * base.shape[0]
        kept = len(shape) and shape[0] == base.shape[0] and torch.Size(shape).numel() == base.shape[0]
        rows = view.index.shape[1] == base.shape[0] if view.index.dim() > 2 else False
        if not (plain and kept and rows) or counted == 0:
            raise ExportError(f"'{node.name}' is a mean to {shape}; required: one over all positions of an image.")
        value = base if len(base.torch_shape) > 1 else None
        if value is None:
            raise ExportError(f"'{node.name}' is a mean of the vector '{base.name}'; required: one of an image.")
        return self.builder.add(node.name, GlobalAvgPool(shape), (value,), shape)

    def _concat(self, node: fx.Node, args: list[Any], kwargs: dict[str, Any]) -> Value:
        parts = [self._value(part) for part in args[0]]
        dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
        shape = _shape(node)
        if dim not in (1, -len(shape)) or len({part.shape[1:] for part in parts}) != 1:
            raise ExportError(
                f"'{node.name}' concatenates {[part.torch_shape for part in parts]} along dimension {dim}; required: "
                "dimension 1, the channels, and images of one size."
            )
        if len(parts) == 1:
            return parts[0]
        _, height, width = parts[0].shape
        channels = sum(part.shape[0] for part in parts)
        return self.builder.add(node.name, Concat(), parts, shape, (channels, height, width))


def _map(function: Callable[[Any], Any], item: Any) -> Any:
    """Apply `function` to the leaves of lists, tuples, dicts and slices."""
    if isinstance(item, list | tuple) and not isinstance(item, torch.Size):
        return type(item)(_map(function, part) for part in item)
    if isinstance(item, Mapping):
        return {key: _map(function, part) for key, part in item.items()}
    if isinstance(item, slice):
        return slice(*(_map(function, part) for part in (item.start, item.stop, item.step)))
    return function(item)


def _flat(item: Any) -> list[Any]:
    found: list[Any] = []
    _map(found.append, item)
    return found


def _shape(node: fx.Node) -> tuple[int, ...]:
    meta = node.meta.get("tensor_meta")
    if meta is None or not hasattr(meta, "shape"):
        raise ExportError(f"'{node.name}' is not one tensor; required: every step returns one tensor.")
    return tuple(meta.shape[1:])
