"""Steps -> graph: each binary layer gets its epilogue, each sign its thresholds, each pool its place on bits."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.errors import ExportError
from xnorkit.export.chains import chain_thresholds, ends_in_relu, pool_falling
from xnorkit.export.geometry import as_float32, channels_last, filters, layer_attributes, pack_filters, pool_attributes
from xnorkit.export.segments import INPUT, Segment, cut
from xnorkit.export.trace import Step, trace_chain
from xnorkit.format import Graph, InputSpec, Node, Normalization

__all__ = ["pack"]


def pack(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    *,
    name: str | None = None,
    normalization: Normalization | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Graph:
    """Return the packed program of a trained `model`, ready for `xnorkit.format.write`.

    Every `BinaryConv2d` and `BinaryLinear` becomes a node on bits; the batch norms and activations between two of them
    become integer thresholds, and max-pools between them move onto the bits. Other convolutions and linear layers stay
    float32.

    Args:
        model: trained module; it is evaluated as in `eval()` mode and not changed.
        input_shape: (C, H, W) of one image.
        name: name of the model in the file; default the class name.
        normalization: mean and std per channel for uint8 images; None if only float32 images are to be accepted.
        metadata: what the file should tell about itself (classes, recipe, accuracy); JSON values.

    Raises:
        ExportError: names the module that has no exact counterpart, and says why; or a weight is NaN or infinite, or
            the model does not run on `input_shape`.

    Example:
        >>> graph = pack(create_model("lenet5"), (1, 28, 28))
        >>> xnorkit.format.write("lenet5.xnor", graph)
    """
    steps = trace_chain(model, input_shape)
    if normalization is not None and len(normalization.mean) != input_shape[0]:
        raise ExportError(
            f"normalization for {len(normalization.mean)} channels; required: {input_shape[0]}, as input_shape says."
        )
    segments = cut(steps, input_shape)
    lowering = _Lowering()
    with torch.no_grad():
        for segment in segments:
            lowering.add(segment)
    if not lowering.nodes:
        raise ExportError(f"{type(model).__name__} has no convolution or linear layer; required: at least one.")
    _, height, width = segments[-1].read_shape
    if height * width != 1:
        raise ExportError(
            f"the output of '{segments[-1].label}' is {height} x {width}; required: one vector of logits."
        )
    return Graph(
        name=name or type(model).__name__.lower(),
        input=InputSpec(input_shape, normalization),
        nodes=tuple(lowering.nodes),
        output=lowering.last,
        metadata=dict(metadata or {}),
    )


class _Lowering:
    """The nodes so far; each segment adds its producer, with what stands behind it fused in or following."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.last = INPUT
        self.names = {INPUT}

    def add(self, part: Segment) -> None:
        """Emit the producer of `part` and what leads to its consumer."""
        if part.consumer is not None and part.consumer.kind == "binary":
            self._add_sign(part, part.consumer)
        else:
            relu = ends_in_relu(part)
            if part.binary:
                layer: Any = part.producer.module if part.producer else None
                alpha = layer.alpha()
                bias = layer.bias if layer.bias is not None else torch.zeros_like(alpha)
                tensors = {"scale": as_float32(alpha), "bias": as_float32(bias)}
                self._add_binary(part, {"epilogue": "float"}, tensors)
            elif part.producer is not None:
                self._add_float(part, part.producer)
            if relu:
                self._emit(f"{part.label}.relu", "clip", {"min": 0, "max": None}, {})

    def _add_sign(self, part: Segment, consumer: Step) -> None:
        thresholds = chain_thresholds(part)
        tensors = {"threshold": channels_last(thresholds.threshold), "flip": channels_last(thresholds.flip)}
        if part.binary:
            self._add_binary(part, {"epilogue": "bits"}, tensors)
        else:
            if part.producer is not None:
                self._add_float(part, part.producer)
            self._emit(f"{consumer.name}.sign", "pack", {}, tensors)
        for index, step in enumerate(part.between):
            if step.kind == "max_pool":
                falling = pool_falling(part, index, thresholds)
                self._emit(step.name, "max_pool_bits", pool_attributes(step), {"falling": falling})

    def _add_binary(self, part: Segment, epilogue: dict[str, Any], tensors: dict[str, Any]) -> None:
        assert part.producer is not None
        layer: Any = part.producer.module
        op, attributes = layer_attributes(part.producer)
        weight = pack_filters(filters(layer.binary_weight(), part.image))
        self._emit(part.producer.name, f"binary_{op}", {**attributes, **epilogue}, {"weight": weight, **tensors})

    def _add_float(self, part: Segment, producer: Step) -> None:
        layer: Any = producer.module
        bias: Tensor = layer.bias if layer.bias is not None else torch.zeros(layer.weight.shape[0])
        op, attributes = layer_attributes(producer)
        tensors = {"weight": as_float32(filters(layer.weight, part.image)), "bias": as_float32(bias)}
        self._emit(producer.name, f"float_{op}", attributes, tensors)

    def _emit(self, wanted: str, op: str, attributes: dict[str, Any], tensors: dict[str, Any]) -> None:
        """Append a node that reads the last one; a module's second call is named 'module.2'."""
        name, count = wanted, 1
        while name in self.names:
            count += 1
            name = f"{wanted}.{count}"
        self.names.add(name)
        self.nodes.append(Node(name, op, (self.last,), attributes, tensors))
        self.last = name
