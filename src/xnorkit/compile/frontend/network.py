"""Captured calls -> values: layers and operators become operations, views are followed, and idioms are normalised."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from xnorkit.compile.frontend.arithmetic import ARITHMETIC, add_arithmetic
from xnorkit.compile.frontend.builder import Builder
from xnorkit.compile.frontend.calls import as_module
from xnorkit.compile.frontend.capture import NAMES, Call, Capture, Captured, Ref
from xnorkit.compile.frontend.model_copy import BATCH, check_runs, first_line
from xnorkit.compile.frontend.reshaping import RESHAPING, add_reshaping
from xnorkit.compile.frontend.views import View, whole_view
from xnorkit.compile.layers import FLOAT, UNSUPPORTED, add_layer, refuse_unsupported, takes_any_order
from xnorkit.compile.operations import Concat, GlobalAvgPool
from xnorkit.compile.pointwise import POINTWISE, Pointwise, pointwise_module
from xnorkit.compile.values import Network, Value
from xnorkit.errors import ExportError
from xnorkit.nn.integer import IntegerLayer
from xnorkit.ops import NoOp

__all__ = ["VIEWS", "build_network", "image_shape", "is_layer"]

VIEWS = {
    *("view", "_unsafe_view", "_reshape_alias", "reshape", "alias", "detach", "clone", "lift"),
    *("permute", "transpose", "t", "numpy_T", "mT", "movedim", "swapaxes", "squeeze", "unsqueeze", "expand"),
    *("select", "slice", "narrow", "split", "split_with_sizes", "unbind", "index", "index_select", "repeat"),
    *("flip", "roll", "native_channel_shuffle", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unfold"),
}
"""Operators that only move numbers."""

SHAPES = ("view", "_unsafe_view", "_reshape_alias")
"""Those of them that keep the order of the numbers."""

DATA = ("self", "input", "mat1")
"""Operators' names for the argument that may depend on the image; all others must be constants."""

CALLED_SO = {"_to_copy": "a change of dtype", "slice_scatter": "a write into part of a tensor"}
CALLED_SO |= dict.fromkeys(("select_scatter", "copy", "index_put", "scatter"), "a write into part of a tensor")


def is_layer(module: nn.Module) -> bool:
    """Return whether a module is one step of the exporter, instead of the steps of its forward."""
    if isinstance(module, NoOp) or getattr(module, "inplace", False) or getattr(module, "return_indices", False):
        return False
    return isinstance(module, (*FLOAT, *UNSUPPORTED, *POINTWISE, *RESHAPING, IntegerLayer))


def build_network(model: nn.Module, input_shape: tuple[int, int, int]) -> tuple[Network, Capture, Captured]:
    """Return the values of a model, the `Capture` that runs it, and the calls from which the values come.

    Raises:
        ExportError: names the module or call that has no counterpart, and says why.
    """
    capture = Capture(model, is_layer)
    check_runs(capture.model, input_shape)
    captured = capture.run(torch.zeros(BATCH, *input_shape))
    walk = _Walk(captured, input_shape)
    with torch.no_grad():
        for number, call in enumerate(captured.calls):
            walk.step(number, call)
    network = walk.builder.network(walk.output())
    network.values = list(network.live())
    return network, capture, captured


def image_shape(input_shape: Any) -> tuple[int, int, int]:
    """Return (C, H, W) as integers; ExportError if it is not three positive ones."""
    sizes = input_shape if isinstance(input_shape, tuple | list) else ()
    if len(sizes) != 3 or any(not isinstance(size, int | np.integer) or size < 1 for size in sizes):
        received = f"={input_shape}" if sizes else f" is {type(input_shape).__name__}"
        raise ExportError(
            f"input_shape{received}, but it must be three positive integers (C, H, W), such as (3, 32, 32)."
        )
    channels, height, width = map(int, sizes)
    return channels, height, width


class _Walk:
    """Follows the calls in order; `known` holds the result of each: a view, or why it has no counterpart."""

    def __init__(self, captured: Captured, input_shape: tuple[int, int, int]) -> None:
        self.captured = captured
        self.builder = Builder(input_shape)
        self.builder.image.source = Ref(-1)
        self.known: dict[Ref, View | ExportError] = {Ref(-1): whole_view(self.builder.image)}
        self.resolved: dict[int, tuple[View, Value]] = {}

    def step(self, number: int, call: Call) -> None:
        """Add the result of a call. A failure counts only if something reads the result."""
        try:
            made = self._call(call)
        except ExportError as error:
            made = [error] * len(call.outputs)
        except Exception as error:
            reason = first_line(error)
            made = [ExportError(f"'{call.name}'{_inside(call)} cannot be packed: {reason}.")] * len(call.outputs)
        for index, item in enumerate(made):
            self.known[Ref(number, index)] = item
            if isinstance(item, View):
                item.name, item.source = call.name, Ref(number, index)
                if item.base.source is None and item.whole:
                    item.base.source = item.source

    def output(self) -> Value:
        """Return the model's output; it must be one tensor that depends on the image."""
        result = self.captured.result
        if not isinstance(result, Ref):
            what = "a tensor that does not depend on the image" if isinstance(result, Tensor) else "a structure"
            raise ExportError(f"the model returns {what}, but it must return one tensor of logits.")
        view = self._view(result)
        if view.index.dim() == 1:  # one number per image, as after squeeze(1): the program returns a vector of one
            view = View(view.base, view.index[:, None], view.name, view.source)
        return self._value(view)

    def _view(self, ref: Ref) -> View:
        found = self.known[ref]
        if isinstance(found, ExportError):
            raise found
        return found

    def _call(self, call: Call) -> list[Any]:
        if call.layer is not None:
            refuse_unsupported(call.name, call.layer)
            if not isinstance(call.arguments["x"], Ref):
                raise ExportError(f"'{call.name}' does not read the image.")
            return [self._module(call, call.layer, self._view(call.arguments["x"]))]
        dtype = call.outputs[0].dtype
        if dtype.is_floating_point and dtype != torch.float32:
            raise ExportError(f"'{call.name}'{_inside(call)} returns {dtype}, but it must be float32 throughout.")
        kind, _, overload = call.op.partition(".")
        if kind == "_to_copy" and call.arguments["dtype"] in (None, torch.float32):
            kind = "clone"
        if kind in VIEWS:
            return self._follow(call, kind)
        if kind == "mean" and overload in ("default", "dim"):
            return [self._mean(call)]
        if kind == "cat":
            return [self._concat(call)]
        if kind in ARITHMETIC:
            operands = [self._operand(call.arguments[key]) for key in ("self", "other") if key in call.arguments]
            return [whole_view(add_arithmetic(self.builder, call.name, call.op, operands, call.arguments))]
        return [self._operator(call)] + [ExportError(f"'{call.name}': only its first output has a counterpart.")] * (
            len(call.outputs) - 1
        )

    def _operator(self, call: Call) -> View:
        reads = [key for key, value in call.arguments.items() if _refs(value)]
        if len(reads) == 1 and reads[0] in DATA and isinstance(call.arguments[reads[0]], Ref):
            try:
                made = as_module(call.op, call.arguments)
            except ExportError as error:
                raise ExportError(f"'{call.name}': {error}") from error
            if made is not None:
                return self._module(call, made, self._view(call.arguments[reads[0]]))
        for ref in _refs([call.arguments.get(key) for key in DATA]):
            # Raises the refusal of an earlier call, which is the one to mend first.
            self._view(ref)
        kind = call.op.partition(".")[0]
        called = CALLED_SO.get(kind, f"a call of {NAMES.get(kind, kind.lstrip('_'))}")
        where = f"'{call.path}' ({call.kind})" if call.kind else f"'{call.name}' ({called}){_inside(call)}"
        raise ExportError(
            f"{where} has no counterpart, but it must be one of these: layers of xnorkit.nn, Conv1d/2d, Linear, "
            "BatchNorm, activations, pools, padding, sums, products, concatenation, views and means over the image."
        )

    def _follow(self, call: Call, kind: str) -> list[Any]:
        """Run a view on the positions of the one value that it reads."""
        refs = _refs(call.arguments)
        base = self._view(refs[0]).base
        if any(self._view(ref).base is not base for ref in refs):
            raise ExportError(f"'{call.name}' moves numbers of several values, but they must be of one value.")
        arguments = pytree.tree_map(
            lambda item: self._view(item).index if _is_ref(item) else item, call.arguments, is_leaf=_is_ref
        )
        if kind == "clone":
            made = arguments["self"].contiguous()
        elif kind in SHAPES:  # the layout of the index in memory differs from that of the numbers
            made = arguments["self"].reshape(arguments["size"])
        else:
            made = call.target(**{key: value for key, value in arguments.items() if value is not None})
        made = [made] if isinstance(made, Tensor) else list(made)
        return [View(base, item, call.name) for item in made]

    def _operand(self, item: Any) -> Any:
        return self._value(self._view(item).collapsed()) if isinstance(item, Ref) else item

    def _value(self, view: View) -> Value:
        """Return the value that a view represents, with the operations that its moves need."""
        if id(view) not in self.resolved:  # the view is kept, so that no other view gets its id
            value = view.base
            for operation, shape, torch_shape in view.resolve():
                value = self.builder.add(view.name, operation, (value,), torch_shape, shape)
            if value is not view.base:
                value.source = view.source
            self.resolved[id(view)] = view, value
        return self.resolved[id(view)][1]

    def _module(self, call: Call, module: nn.Module | Pointwise, view: View) -> View:
        shape = tuple(call.outputs[0].shape[1:])
        order = None
        try:
            x = self._value(view)
        except ExportError:
            order = view.order() if takes_any_order(module) else None
            if order is None:
                raise
            x = self._value(View(view.base, whole_view(view.base).index.flatten(1), view.name))
        if isinstance(module, Pointwise):
            return whole_view(self.builder.add(call.name, module, (x,), x.torch_shape, x.shape))
        made = add_layer(self.builder, call.name, module, x, shape, order=order)
        if made is None:
            operations = pointwise_module(call.name, module, len(x.torch_shape) - 1)
            if operations:
                made = self.builder.add_in_turn(call.name, operations, x, x.torch_shape)
        made = made or add_reshaping(self.builder, call.name, module, x, shape)
        assert made is not None, module
        return whole_view(made)

    def _mean(self, call: Call) -> View:
        """Return the mean over all positions of every channel, in any arrangement of the numbers."""
        view, shape = self._view(call.arguments["self"]), tuple(call.outputs[0].shape)
        given = call.arguments.get("dim")
        rank = view.index.dim()
        dims = sorted(dim % rank for dim in (given if given is not None and len(given) else range(rank)))
        if call.arguments.get("dtype") not in (None, torch.float32) or 0 in dims:
            raise ExportError(f"'{call.name}' is a mean to {shape[1:]} over the batch, but it must be one per image.")
        if math.prod(view.index.shape[dim] for dim in dims) == 1:
            return View(view.base, view.index.reshape(shape), call.name)
        if not _is_whole_mean(view, dims):
            try:
                view = whole_view(self._value(view))
            except ExportError:
                view = whole_view(view.base)
                dims = []
            if not dims or not _is_whole_mean(view, dims):
                raise ExportError(
                    f"'{call.name}' is a mean to {shape[1:]}{_inside(call)}, but it must be over all positions of an "
                    "image, for each channel."
                )
        base = view.base
        plain = shape[1:2] == base.shape[:1] and math.prod(shape[1:]) == base.shape[0]
        torch_shape = shape[1:] if plain else (base.shape[0],)
        value = self.builder.add(call.name, GlobalAvgPool(torch_shape), (base,), torch_shape)
        return View(value, whole_view(value).index.reshape(shape), call.name)

    def _concat(self, call: Call) -> View:
        if not all(_is_ref(part) for part in call.arguments["tensors"]):
            raise ExportError(f"'{call.name}' joins constants to an image, but it must join only values of the image.")
        parts = [self._value(self._view(part)) for part in call.arguments["tensors"]]
        dim, shape = call.arguments["dim"], tuple(call.outputs[0].shape[1:])
        if dim not in (1, -len(shape)) or len({part.shape[1:] for part in parts}) != 1:
            raise ExportError(
                f"'{call.name}' concatenates {[part.torch_shape for part in parts]} along dimension {dim}, but it "
                "must concatenate images of one size along dimension 1, the channels."
            )
        if len(parts) == 1:
            return whole_view(parts[0])
        _, height, width = parts[0].shape
        channels = sum(part.shape[0] for part in parts)
        return whole_view(self.builder.add(call.name, Concat(), parts, shape, (channels, height, width)))


def _is_whole_mean(view: View, dims: list[int]) -> bool:
    """Return whether a mean over `dims` takes, for each channel of the base in order, all its positions once."""
    base = view.base
    kept = [dim for dim in range(view.index.dim()) if dim not in dims]
    rows = view.index.permute(*kept, *dims).reshape(BATCH, -1, math.prod(view.index.shape[dim] for dim in dims))
    if rows.numel() != BATCH * base.shape[0] * base.positions or rows.shape[2] != base.positions:
        return False
    every = torch.arange(rows.numel(), dtype=rows.dtype).reshape(rows.shape)
    return torch.equal(rows.sort(dim=2).values, every)


def _is_ref(item: Any) -> bool:
    return isinstance(item, Ref)


def _refs(value: Any) -> list[Ref]:
    """Return what an argument reads of the image."""
    return [leaf for leaf in pytree.tree_leaves(value, is_leaf=_is_ref) if _is_ref(leaf)]


def _inside(call: Call) -> str:
    """Return where a call happens, for messages."""
    return f" in '{call.path}'" if call.path and call.path != call.name else ""
