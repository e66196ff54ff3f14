"""Whether a packed program may run on images of a size other than the one it was made for."""

from itertools import zip_longest
from typing import Any

import numpy as np
from torch import nn

from xnorkit.compile.chain import MaxPoolBits
from xnorkit.compile.frontend.reshaping import ADAPTIVE_AVG, ADAPTIVE_MAX
from xnorkit.compile.operations import AvgPool, MaxPool
from xnorkit.compile.values import Network
from xnorkit.errors import ExportError
from xnorkit.format import Graph, Node, infer_shapes

__all__ = ["check_dynamic", "check_same_steps", "equal_tensors"]

ANY_SIZE = (
    "with dynamic=True it must accept any image size. Put a global average pool before linear layers, for example."
)


def check_dynamic(network: Network, graph: Graph) -> None:
    """Refuse a graph in which something was computed from the size of its images.

    The window of an adaptive pool, and the padding that replaces the ceil_mode of a max-pool, belong to one size.
    At another size, their answer would differ from the trained model's. Linear layers and constants per position fit
    only one size.

    Args:
        network: the values from which the graph was made.
        graph: a graph with a dynamic input.

    Raises:
        ExportError: names the module.
    """
    for value in network.values:
        operation = value.operation.pool if isinstance(value.operation, MaxPoolBits) else value.operation
        if isinstance(operation, AvgPool | MaxPool):
            _check_pool(value.name, operation.module)
    shapes = infer_shapes(graph)
    for node in graph.nodes:
        source = shapes[node.inputs[0]]
        linear = "out_features" in node.attributes and source.height * source.width > 1
        if linear or any(a.ndim == 3 for role, a in node.tensors.items() if role != "weight"):
            raise ExportError(f"'{node.name}' ({node.op}) is made for {source.height} x {source.width}, but {ANY_SIZE}")


def check_same_steps(graph: Graph, other: Graph) -> None:
    """Refuse a dynamic graph if the model gives another one for images of another size.

    Raises:
        ExportError: names the first node that differs, in its step or its numbers.
    """
    height, width = other.input.shape[1:]
    for ours, theirs in zip_longest(graph.nodes, other.nodes):
        if ours is None or theirs is None or not _equal(ours, theirs):
            node: Any = ours or theirs
            raise ExportError(
                f"'{node.name}' ({node.op}) is a different operation for images of {height} x {width}, or has other "
                "numbers, but with dynamic=True no step and no constant may depend on the size of the image."
            )


def _equal(a: Node, b: Node) -> bool:
    """Return whether two nodes are the same operation with the same numbers."""
    alike = (a.name, a.op, a.inputs, dict(a.attributes)) == (b.name, b.op, b.inputs, dict(b.attributes))
    return alike and equal_tensors(a, b)


def equal_tensors(a: Node, b: Node) -> bool:
    """Return whether two nodes have the same numbers."""
    return a.tensors.keys() == b.tensors.keys() and all(np.array_equal(a.tensors[r], b.tensors[r]) for r in a.tensors)


def _check_pool(name: str, pool: Any) -> None:
    if isinstance(pool, (*ADAPTIVE_AVG, *ADAPTIVE_MAX)):
        raise ExportError(
            f"'{name}' ({type(pool).__name__}) has a different window for each image size, but {ANY_SIZE}"
        )
    if isinstance(pool, nn.MaxPool1d | nn.MaxPool2d) and pool.ceil_mode:
        raise ExportError(
            f"'{name}' ({type(pool).__name__}) has ceil_mode=True, which pads each image size differently, but it must "
            "be False with dynamic=True."
        )
