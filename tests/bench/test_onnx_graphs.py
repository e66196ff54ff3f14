"""What ONNX's engines are given is right, whatever they make of it: ONNX's own evaluator in NumPy computes it."""

import numpy as np
import pytest

from xnorkit.bench.layer_case import LayerCase
from xnorkit.bench.shapes import parse_shape

onnx = pytest.importorskip("onnx", reason="a peer of the bench extra")
TEXTS = ("3x3 16->24@9x9", "3x3 64@8x8 s2", "1x1 40->8@5x5", "linear 128->64", "float 3x3 6->8@7x5 g2", "2x2 4@5x5")
BYTE_TOLERANCE = 0.02
LARGEST_SUM = 2**15 - 1


def evaluate(model: bytes, x: np.ndarray) -> np.ndarray:
    from onnx.reference import ReferenceEvaluator

    (y,) = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {"x": x})
    return y


def answer(case: LayerCase) -> np.ndarray:
    """The bare sums of a binary layer, those with bias of a float one."""
    if not case.shape.binary:
        return case.answer
    return (case.answer - case.bias.reshape(1, -1, 1, 1)) / case.scale.reshape(1, -1, 1, 1)


@pytest.mark.parametrize("text", TEXTS)
def test_the_float_layer(text: str) -> None:
    from xnorkit.bench.peers.onnx_graphs import float_layer

    case = LayerCase(parse_shape(text))
    np.testing.assert_allclose(evaluate(float_layer(case), case.x), answer(case), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bits", [8, 7])
@pytest.mark.parametrize("text", TEXTS)
def test_the_quantized_layer(text: str, bits: int) -> None:
    pytest.importorskip("onnxruntime", reason="a peer of the bench extra, which quantizes")
    from xnorkit.bench.peers.onnx_graphs import float_layer, quantize

    case = LayerCase(parse_shape(text))
    model = quantize(float_layer(case), [case.x], bits)
    expected = answer(case)
    error = np.linalg.norm(evaluate(model, case.x) - expected) / np.linalg.norm(expected)
    assert error < BYTE_TOLERANCE
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load_from_string(model).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert len(weights) == 1
    largest = int(np.abs(weights[0].astype(int)).max())
    # Two products of a byte and a weight in 16 bits: what processors without VNNI add, saturated.
    assert (2 * 255 * largest <= LARGEST_SUM) is (bits == 7)
    assert largest >= 2 ** (bits - 1) - 1, "all of the range is used"
