"""Values -> nodes: each operation becomes one or a few operations of the graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.compile import operations as ops
from xnorkit.compile.chain import Bits, MaxPoolBits
from xnorkit.compile.draft import Draft
from xnorkit.compile.layers import Rescale
from xnorkit.compile.pointwise import ACTIVATIONS, Pointwise
from xnorkit.compile.values import Network, Value
from xnorkit.errors import ExportError
from xnorkit.format import INPUT
from xnorkit.nn.quantizers import PixelQuantizer

__all__ = ["emit", "reads_pixels"]

Made = tuple[str, dict[str, Any], dict[str, NDArray[Any]]]

SIMPLE: dict[type[Any], str] = {
    ops.Add: "add",
    ops.Multiply: "multiply",
    ops.Concat: "concat",
    ops.GlobalAvgPool: "global_avg_pool",
}
WINDOWS: dict[type[Any], str] = {ops.MaxPool: "max_pool", ops.AvgPool: "avg_pool", ops.KMap: "k_map"}


def emit(network: Network) -> Draft:
    """Return the nodes of a network whose signs are thresholds.

    Raises:
        ExportError: an operation stays float and has no counterpart in float; names it.
    """
    emitter = _Emitter()
    for value in network.values:
        emitter.add(value)
    emitter.draft.output = emitter.names[network.output]
    emitter.draft.notes = dict(network.notes)
    return emitter.draft


def reads_pixels(network: Network) -> bool:
    """Return whether the network begins with an 8-bit layer on pixels.

    Raises:
        ExportError: something else also reads the image, as floats.
    """
    readers = [v for v in network.values if any(isinstance(s.operation, ops.Input) for s in v.inputs)]
    pixels = [v for v in readers if _is_pixels(v)]
    if pixels and len(pixels) < len(readers):
        other = next(v for v in readers if v not in pixels)
        raise ExportError(
            f"'{pixels[0].name}' reads the image as pixels and '{other.name}' as floats, but both must read the same."
        )
    return bool(pixels)


def _is_pixels(value: Value) -> bool:
    return isinstance(value.operation, ops.Quantize) and isinstance(value.operation.quantizer, PixelQuantizer)


class _Emitter:
    """`names` are the nodes that give the values; integer sums have none, as they are part of the next operation."""

    def __init__(self) -> None:
        self.draft = Draft()
        self.names: dict[Value, str] = {}

    def add(self, value: Value) -> None:
        operation = value.operation
        name: str | None
        if isinstance(operation, ops.Input):
            self.names[value] = INPUT
            return
        if isinstance(operation, ops.Flatten) or _is_pixels(value):
            self.names[value] = self.names[value.inputs[0]]
            return
        if isinstance(operation, ops.Layer):
            name = self._float_layer(value, operation)
        elif isinstance(operation, Rescale):
            name = self._rescale(value, operation)
        elif isinstance(operation, Bits):
            name = self._bits(value, operation)
        elif isinstance(operation, Pointwise):
            name = self._pointwise(value, operation)
        else:
            name = self._whole(value)
        if name is not None:
            self.names[value] = name
            self.draft.origins[name] = value

    def _node(self, value: Value, op: str, attributes: Any = None, tensors: Any = None, name: str = "") -> str:
        inputs = [self.names[source] for source in value.inputs]
        return self.draft.emit(name or value.name, op, inputs, attributes, tensors)

    def _whole(self, value: Value) -> str:
        operation: Any = value.operation
        if isinstance(operation, ops.Crop):
            attributes, weight = operation.convolution(value.inputs[0].shape)
            return self._node(
                value, "float_conv2d", attributes, {"weight": weight, "bias": np.zeros(len(weight), np.float32)}
            )
        if type(operation) in WINDOWS:
            return self._node(value, WINDOWS[type(operation)], operation.attributes)
        make = _WHOLE.get(type(operation), lambda made: (SIMPLE[type(made)], {}, {}))
        return self._node(value, *make(operation))

    def _float_layer(self, value: Value, layer: ops.Layer) -> str | None:
        if layer.form != "float":
            return None
        bias = torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias
        tensors = {"weight": _filters(layer, value).numpy(), "bias": bias.detach().numpy()}
        return self._node(value, layer.op, layer.attributes, tensors)

    def _rescale(self, value: Value, rescale: Rescale) -> str:
        """Emit a layer of signs or 8-bit numbers whose sums become floats."""
        (sums,) = value.inputs
        layer: Any = sums.operation
        assert rescale.scale is not None
        tensors = {**_integer_weights(layer, sums), "scale": rescale.scale.detach().numpy()}
        if layer.form != "int8":
            bias = torch.zeros(len(layer.weight)) if rescale.bias is None else rescale.bias
            tensors["bias"] = bias.detach().numpy()
        attributes = layer.attributes if layer.form == "binary_weight" else {**layer.attributes, "epilogue": "float"}
        name = self._node(sums, layer.op, attributes, tensors, value.name)
        if rescale.exact:
            self.draft.exact.add(name)
        return name

    def _bits(self, value: Value, bits: Bits) -> str:
        """Emit thresholds: as a layer's epilogue, or on a float value."""
        threshold, flip = (
            array if array.ndim == 1 else array.transpose(1, 2, 0)
            for array in (bits.thresholds.threshold, bits.thresholds.flip)
        )
        tensors: dict[str, NDArray[Any]] = {"threshold": threshold, "flip": flip}
        (start,) = value.inputs
        if start.kind != "integer":
            return self._node(value, "pack", {}, tensors)
        known = self.names.get(start)
        if known is not None:  # another sign with the same thresholds
            return known
        layer: Any = start.operation
        attributes = {**layer.attributes, "epilogue": "bits"}
        weights = _integer_weights(layer, start)
        name = self._node(start, layer.op, attributes, {**weights, **tensors}, start.name.removesuffix(".sum"))
        self.names[start] = name
        return name

    def _pointwise(self, value: Value, operation: Pointwise) -> str:
        if operation.step is None:
            raise ExportError(
                f"'{value.name}' ({operation.text}) stays float and has no counterpart in float, but where a value "
                "stays float, it must be BatchNorm, ReLU, ReLU6, Hardtanh, LeakyReLU, PReLU, RPReLU, "
                f"{', '.join(kind.__name__ for kind in ACTIVATIONS)} (GELU without an approximation), or learned "
                "scales and biases."
            )
        op, attributes, tensors = operation.step
        arrays = {role: value.spread(tensor) for role, tensor in tensors.items()}
        if op == "prelu" and arrays["slope"].ndim > 1:
            raise ExportError(f"'{value.name}' has a slope for each position, but it must have one per channel.")
        return self._node(value, op, attributes, arrays)


def _gather(gather: ops.Gather) -> Made:
    index = gather.index.to(torch.int32).numpy()
    return "gather_channels", {"out_channels": len(index)}, {"index": index}


def _quantize(quantize: ops.Quantize) -> Made:
    _, scale = quantize.quantizer.quantize(torch.zeros(0))
    return "quantize_u8", {"scale": float(scale), "zero_point": int(quantize.quantizer.zero_point())}, {}


_WHOLE: dict[type[Any], Callable[[Any], Made]] = {
    ops.Gather: _gather,
    ops.Quantize: _quantize,
    ops.Pad: lambda pad: ("pad", {"padding": pad.padding, "channels": pad.channels}, {}),
    ops.PadBits: lambda pad: ("pad_bits", {"padding": pad.padding}, {}),
    ops.Softmax: lambda _: ("activation", {"function": "softmax"}, {}),
    MaxPoolBits: lambda pool: ("max_pool_bits", pool.attributes, {"falling": pool.falling}),
}


def _integer_weights(layer: Any, sums: Value) -> dict[str, NDArray[Any]]:
    """Return the packed weights of a layer of signs, or those of an 8-bit layer with zero points and biases."""
    weight = _filters(layer, sums)
    if layer.form != "int8":
        minus = (weight < 0).numpy().reshape(len(weight), -1)
        return {"weight": np.packbits(minus, axis=1, bitorder="little")}
    channels = sums.inputs[0].shape[0]
    zero_point = np.broadcast_to(layer.zero_point.flatten().numpy().astype(np.uint8), (channels,))
    return {
        "weight": weight.numpy().astype(np.int8),
        "zero_point": zero_point,
        "bias": layer.bias.numpy().astype(np.int32),
    }


def _filters(layer: ops.Layer, sums: Value) -> Tensor:
    """Return the weights as (O, KH, KW, C / groups), or (O, H, W, C) for a linear layer."""
    weight = layer.weight.detach()
    if weight.dim() == 2:
        weight = weight.reshape(len(weight), *sums.inputs[0].shape)
    elif weight.dim() == 3:
        weight = weight[:, :, None]
    return weight.permute(0, 2, 3, 1).contiguous()
