"""The whole graph: input, one function per operation, output."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from xnorkit import __version__
from xnorkit.errors import ExportError, InputError
from xnorkit.format import INPUT, Graph, Node, Preparation, ValueSpec, family_of, in_words, infer_shapes, operation_of
from xnorkit.targets.onnx import layers, values
from xnorkit.targets.onnx.builder import Builder

__all__ = ["OPSET", "to_onnx", "write_onnx"]

OPSET = 18
"""Version of the standard operators: the first with BitwiseAnd, which unpacks bits."""
IR_VERSION = 10
PIXEL_STEP = 1 / 255
Writer = Callable[[Builder, Node, list[ValueSpec], list[str]], str]


def to_onnx(graph: Graph, *, packed: bool = True) -> onnx.ModelProto:
    """Return an ONNX model of standard operators that computes what `graph` does, from images (N, C, H, W) to (N, O).

    Images are float32, prepared as in training, or uint8 pixels if the network reads nothing else; the input's doc
    string and the metadata entry `xnorkit.input` say how to make them from pixels. Signs are float32 numbers +1 and -1,
    so every binary layer is an ordinary convolution whose integers are exact; thresholds stay thresholds. The runtime
    chooses the order of the sums in float layers. A number that decides a sign through exact steps only is the
    same in a default session, which folds whatever it can (docs/export.md).

    Args:
        graph: a valid graph.
        packed: store binary weights as bits, which the graph unpacks (a runtime does this once, when it loads the
            file), so the file stays small; False writes them as float32.

    Raises:
        FormatError: the graph is not valid.
        ExportError: an 8-bit layer has filters too long for ONNX's float32 sums, or a graph for images of any size
            pools with ceil_mode.

    Examples:
        >>> onnx.save(to_onnx(read("lenet5.xnor")), "lenet5.onnx")
    """
    specs = infer_shapes(graph)
    for node in graph.nodes:
        if graph.input.dynamic and node.attributes.get("ceil_mode"):
            raise ExportError(f"node '{node.name}' pools with ceil_mode, but for ONNX its image size must be fixed.")
    b = Builder(packed=packed, decisive=_decisive(graph))
    names = {INPUT: _input(b, graph)}
    for node in graph.nodes:
        writer = _WRITERS[family_of(node)]
        names[node.name] = writer(b, node, [specs[v] for v in node.inputs], [names[v] for v in node.inputs])
    shape = _output(b, graph, specs[graph.output], names[graph.output])
    channels, *size = graph.input.shape
    free = ["height", "width"] if graph.input.dynamic else size
    dtype = TensorProto.UINT8 if _reads_pixels(graph) else TensorProto.FLOAT
    body = helper.make_graph(
        b.nodes,
        graph.name,
        [helper.make_tensor_value_info("images", dtype, ["batch", channels, *free], _input_words(graph))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)],
        b.initializers,
    )
    model = helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="xnorkit",
        producer_version=__version__,
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, {"xnorkit.input": in_words(graph.input)})
    onnx.checker.check_model(model, full_check=True)
    return model


def write_onnx(path: str | os.PathLike[str], graph: Graph, *, packed: bool = True) -> None:
    """Write `to_onnx(graph)` to a file; InputError if it cannot be written."""
    content = to_onnx(graph, packed=packed).SerializeToString()
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}), but its folder must be writable.") from error


def _decisive(graph: Graph) -> set[str]:
    """Return the names of the nodes on which a `pack` or `quantize_u8` depends through exact steps only."""
    names: set[str] = set()
    for node in reversed(graph.nodes):
        if node.op in ("pack", "quantize_u8") or (node.name in names and operation_of(node).exact):
            names |= set(node.inputs)
    return names


def _reads_pixels(graph: Graph) -> bool:
    """True if images are uint8: the graph reads pixels and has no normalisation to recover them from floats."""
    return graph.input.kind == "u8" and graph.input.normalization is None


def _input_words(graph: Graph) -> str:
    """Return the input's doc string."""
    if _reads_pixels(graph):
        return f"uint8 {in_words(replace(graph.input, preparation=Preparation()))}"
    return f"float32 images as in training, made from {in_words(graph.input)}"


def _input(b: Builder, graph: Graph) -> str:
    """Return the value of the graph's input: the float32 images, or their pixels as float32 numbers 0 to 255."""
    if graph.input.kind == "f32":
        return "images"
    normalization = graph.input.normalization
    if normalization is None:
        pixels = b.op("Cast", "images", to=TensorProto.FLOAT)
        pixels = b.op("Transpose", pixels, perm=[0, 1, 3, 2]) if graph.input.preparation.transposed else pixels
        reverse = b.constant(np.array([2, 1, 0], np.int64))
        return b.op("Gather", pixels, reverse, axis=1) if graph.input.preparation.order == "bgr" else pixels
    std, mean = (np.array(v, np.float32) for v in (normalization.std, normalization.mean))
    shares = b.shifted(b.scaled("images", std), mean)
    return b.op("Clip", b.op("Round", b.op("Div", shares, b.scalar(PIXEL_STEP))), b.scalar(0), b.scalar(255))


def _output(b: Builder, graph: Graph, spec: ValueSpec, value: str) -> list[str | int]:
    """Name the output: (N, O), or (N, O, H, W) if there is more than one position."""
    if spec.height == spec.width == 1:
        b.op("Flatten", value, name="logits", axis=1)
        return ["batch", spec.channels]
    b.op("Identity", value, name="logits")
    free: list[str | int] = ["rows", "columns"] if graph.input.dynamic else [spec.height, spec.width]
    return ["batch", spec.channels, *free]


_WRITERS: Mapping[str, Writer] = {
    "float": layers.float_layer,
    "binary_weight": layers.binary_weight,
    "int8": layers.int8,
    "binary": layers.binary,
    "pack": values.pack,
    "quantize_u8": values.quantize_u8,
    "max_pool_bits": values.max_pool_bits,
    "max_pool": values.max_pool,
    "avg_pool": values.avg_pool,
    "global_avg_pool": values.global_avg_pool,
    "add": values.join,
    "multiply": values.join,
    "concat": values.concat,
    "affine": values.affine,
    "clip": values.clip,
    "prelu": values.prelu,
    "activation": values.activation,
    "pad": values.pad,
    "pad_bits": values.pad_bits,
    "gather_channels": values.gather_channels,
    "k_map": values.k_map,
}
