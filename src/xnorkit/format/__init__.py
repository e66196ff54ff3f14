"""The `.xnor` file: read, write, validate, summarise. Needs NumPy and safetensors only; see docs/format.md."""

from xnorkit.format.file import read, write
from xnorkit.format.graph import INPUT, Graph, InputSpec, Node, Normalization, Preparation, ValueSpec
from xnorkit.format.preparation import arranged, as_floats, in_words
from xnorkit.format.shapes import infer_shapes
from xnorkit.format.summary import LayerSummary, Summary, Total, summarize

__all__ = [
    "INPUT",
    "Graph",
    "InputSpec",
    "LayerSummary",
    "Node",
    "Normalization",
    "Preparation",
    "Summary",
    "Total",
    "ValueSpec",
    "arranged",
    "as_floats",
    "in_words",
    "infer_shapes",
    "read",
    "summarize",
    "write",
]
