"""Whether a packed program may be run on images of other sizes than the one it was made for."""

from typing import Any

from torch import nn

from xnorkit.compile.chain import MaxPoolBits
from xnorkit.compile.frontend.reshaping import ADAPTIVE_AVG, ADAPTIVE_MAX
from xnorkit.compile.operations import AvgPool, MaxPool
from xnorkit.compile.values import Network
from xnorkit.errors import ExportError
from xnorkit.format import Graph, infer_shapes

__all__ = ["check_dynamic"]

REQUIRED = (
    "required with dynamic=True: operations that any image size passes through, as a global average pool in front of "
    "linear layers."
)


def check_dynamic(network: Network, graph: Graph) -> None:
    """Refuse a graph in which something was computed from the size of its images.

    The window of an adaptive pool, and the padding that stands for the ceil_mode of a max-pool, are those of one size:
    at another one they would give another answer than the trained model. Linear layers and constants per position fit
    one size only.

    Args:
        network: the values that the graph was made from.
        graph: with a dynamic input.

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
            raise ExportError(f"'{node.name}' ({node.op}) is made for {source.height} x {source.width}; {REQUIRED}")


def _check_pool(name: str, pool: Any) -> None:
    if isinstance(pool, (*ADAPTIVE_AVG, *ADAPTIVE_MAX)):
        raise ExportError(f"'{name}' ({type(pool).__name__}) has a window of its own for each image size; {REQUIRED}")
    if isinstance(pool, nn.MaxPool1d | nn.MaxPool2d) and pool.ceil_mode:
        raise ExportError(
            f"'{name}' ({type(pool).__name__}) has ceil_mode=True, which pads each image size otherwise; required with "
            "dynamic=True: False."
        )
