"""The table of operations: every reader of a graph has one function per family of it, and no other."""

import re

import pytest

from xnorkit import _engine
from xnorkit.format.operations import ACTIVATIONS, OPERATIONS
from xnorkit.proof.interpret import _OPS as INTERPRETER
from xnorkit.proof.interpret import ACTIVATIONS as IN_FLOAT64
from xnorkit.runtime.build import SUMMED
from xnorkit.targets.c import calls

FAMILIES = {operation.layer or op for op, operation in OPERATIONS.items()}
LAYERS = {operation.layer for operation in OPERATIONS.values() if operation.layer is not None}


def test_every_reader_knows_every_family() -> None:
    assert set(INTERPRETER) == FAMILIES
    assert set(calls._WRITERS) == FAMILIES
    assert set(SUMMED) == {o.layer for o in OPERATIONS.values() if o.integer}


def test_the_engine_knows_every_operation_and_function() -> None:
    """What it lists where it refuses a name."""
    program = _engine.Program("f32", 1, 1, 1)
    with pytest.raises(ValueError, match="'op' is 'none', but it must be one of ") as caught:
        program.add("none", [0])
    assert set(str(caught.value).rpartition("one of ")[2].rstrip(".").split(", ")) == {*OPERATIONS, "planes"}
    with pytest.raises(ValueError, match="'function' is 'none', but it must be one of ") as caught:
        program.add("activation", [0], {"function": "none"})
    assert tuple(re.findall(r"'(\w+)'", str(caught.value).rpartition("one of ")[2])) == ACTIVATIONS
    assert tuple(IN_FLOAT64) == ACTIVATIONS


def test_the_onnx_writer_knows_every_family() -> None:
    pytest.importorskip("onnx")
    from xnorkit.targets.onnx import convert

    assert set(convert._WRITERS) == FAMILIES


def test_a_family_of_layers_is_a_convolution_and_a_linear_layer() -> None:
    for layer in LAYERS:
        rows = {op: o for op, o in OPERATIONS.items() if o.layer == layer}
        assert set(rows) == {f"{layer}_conv2d", f"{layer}_linear"}
        assert len({(o.reads, o.plan, o.weight_bits, o.binary, o.integer) for o in rows.values()}) == 1
    assert {o.weight_bits for o in OPERATIONS.values()} == {0, 1, 8, 32}
