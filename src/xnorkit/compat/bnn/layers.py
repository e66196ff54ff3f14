"""`bnn.layers`: the binary layers under the names of that package."""

from xnorkit.nn import BinaryConv1d as Conv1d
from xnorkit.nn import BinaryConv2d as Conv2d
from xnorkit.nn import BinaryLinear as Linear

__all__ = ["Conv1d", "Conv2d", "Linear"]
