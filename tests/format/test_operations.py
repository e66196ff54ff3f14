"""The table of operations: every reader of a graph has one function per family of it, and no other."""

import pytest

from xnorkit.format.operations import OPERATIONS
from xnorkit.proof.interpret import _OPS as INTERPRETER
from xnorkit.runtime import builders
from xnorkit.targets.c import calls

FAMILIES = {operation.layer or op for op, operation in OPERATIONS.items()}
LAYERS = {operation.layer for operation in OPERATIONS.values() if operation.layer is not None}


def test_every_reader_knows_every_family() -> None:
    assert set(INTERPRETER) == FAMILIES
    assert set(calls._WRITERS) == FAMILIES
    assert set(builders.BUILDERS) == FAMILIES
    assert set(builders.INTEGERS) == {o.layer for o in OPERATIONS.values() if o.integer}


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
