"""The `.xnor` file: read, write, validate, summarise. Needs NumPy and safetensors only; see docs/format.md."""

from xnorkit.format.demands import check_limits
from xnorkit.format.file import read, write
from xnorkit.format.graph import INPUT, Graph, InputSpec, Node, Normalization, Preparation, ValueSpec
from xnorkit.format.limits import Limits
from xnorkit.format.preparation import arranged, as_floats, in_words
from xnorkit.format.rules import escaped, shown, shown_path
from xnorkit.format.shapes import infer_shapes
from xnorkit.format.summary import LayerSummary, Summary, Total, summarize

__all__ = [
    "INPUT",
    "Graph",
    "InputSpec",
    "LayerSummary",
    "Limits",
    "Node",
    "Normalization",
    "Preparation",
    "Summary",
    "Total",
    "ValueSpec",
    "arranged",
    "as_floats",
    "check_limits",
    "escaped",
    "in_words",
    "infer_shapes",
    "read",
    "shown",
    "shown_path",
    "summarize",
    "write",
]
