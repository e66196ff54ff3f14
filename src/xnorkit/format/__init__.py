"""The `.xnor` file: read, write, validate, summarise. Needs only NumPy and safetensors; see docs/format.md."""

import typing

from xnorkit.format.demands import check_limits
from xnorkit.format.file import read, write
from xnorkit.format.geometry import Window, filter_shape, window_of
from xnorkit.format.graph import INPUT, Graph, InputSpec, Node, Normalization, Preparation, ValueSpec
from xnorkit.format.limits import Limits
from xnorkit.format.operations import Operation, family_of, operation_of
from xnorkit.format.preparation import arranged, as_floats, in_words
from xnorkit.format.rules import escaped, shown, shown_path
from xnorkit.format.shapes import infer_shapes
from xnorkit.lazy import attach as _attach

if typing.TYPE_CHECKING:
    from xnorkit.format.summary import LayerSummary, Summary, Total, summarize

__all__ = [
    "INPUT",
    "Graph",
    "InputSpec",
    "LayerSummary",
    "Limits",
    "Node",
    "Normalization",
    "Operation",
    "Preparation",
    "Summary",
    "Total",
    "ValueSpec",
    "Window",
    "arranged",
    "as_floats",
    "check_limits",
    "escaped",
    "family_of",
    "filter_shape",
    "in_words",
    "infer_shapes",
    "operation_of",
    "read",
    "shown",
    "shown_path",
    "summarize",
    "window_of",
    "write",
]

if not typing.TYPE_CHECKING:  # no one who only runs a model summarises it
    __getattr__, __dir__ = _attach(__name__, {"summary": ("LayerSummary", "Summary", "Total", "summarize")})
