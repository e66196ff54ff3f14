"""Whether a packed program may run on images of a size other than the one it was made for."""

from typing import Any

from torch import nn

from xnorkit.compile.chain import MaxPoolBits
from xnorkit.compile.frontend.reshaping import ADAPTIVE_AVG, ADAPTIVE_MAX
from xnorkit.compile.operations import AvgPool, MaxPool
from xnorkit.compile.values import Network
from xnorkit.errors import ExportError
from xnorkit.format import Graph, infer_shapes

__all__ = ["check_dynamic"]

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
