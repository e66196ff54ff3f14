"""Whole networks as ONNX: logits of ONNX Runtime and OpenVINO against PyTorch's.

Every float sum of these networks has at most a few thousand terms, so another order of summation moves a logit by some
2^-24 of the largest number on its way: 1e-5 of the largest logit is a hundred times that. A sign that such a sum turns
would move the logits by far more.
"""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from networks import randomize_

from xnorkit.export import pack
from xnorkit.format import Normalization
from xnorkit.models import create_model, input_shape
from xnorkit.nn import quantize_first_last_
from xnorkit.proof.machines import EngineMachine
from xnorkit.runtime import Model
from xnorkit.targets.onnx import to_onnx

MODELS = [("lenet5", "xnor"), ("nin-cifar10", "xnor"), ("resnet20-cifar10", "react"), ("resnet20-cifar10", "bwn")]


def openvino_logits(content: bytes, images: np.ndarray) -> np.ndarray:
    openvino: Any = pytest.importorskip("openvino", reason="openvino is an optional peer")
    model = openvino.Core().read_model(content)
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(images)[0])


def onnxruntime_logits(content: bytes, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"images": images})[0])


@pytest.mark.parametrize("engine", [onnxruntime_logits, openvino_logits])
@pytest.mark.parametrize(("name", "binarization"), MODELS)
def test_logits_are_pytorchs(name: str, binarization: str, engine: Any) -> None:
    torch.manual_seed(0)
    model = randomize_(create_model(name, binarization=binarization))
    shape = input_shape(name)
    images = np.random.default_rng(0).standard_normal((4, *shape), dtype=np.float32)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    logits = engine(to_onnx(pack(model, shape)).SerializeToString(), images)
    assert np.abs(logits - wanted).max() <= 1e-5 * np.abs(wanted).max()
    np.testing.assert_array_equal(logits.argmax(1), wanted.argmax(1))


def test_eight_bit_ends_differ_by_whole_levels_of_the_last_layers_input() -> None:
    """A float sum taken in another order may lie on the other side of a half, where its 8-bit number is rounded.

    That moves this number by 1 and a logit by S |q|, S the scale of the layer's sums and q a weight: far more than the
    rounding behind it. Everything behind the 8-bit numbers is integers, so nothing else moves the logits.
    """
    torch.manual_seed(0)
    shape = input_shape("resnet20-cifar10")
    model = randomize_(create_model("resnet20-cifar10"))
    quantize_first_last_(model, mean=(0.5,) * 3, std=(0.25,) * 3)
    with torch.no_grad():
        model.train()(torch.randn(8, *shape))  # sets the scale of the last layer's input
    graph = pack(model.eval(), shape, normalization=Normalization((0.5,) * 3, (0.25,) * 3))
    last, levels = graph.nodes[-1], graph.nodes[-2]
    assert (last.op, levels.op) == ("int8_linear", "quantize_u8")
    images = np.random.default_rng(0).standard_normal((256, *shape), dtype=np.float32)
    ours = EngineMachine(Model(graph)).trace(images)
    content = to_onnx(graph)
    for name in (levels.name, levels.source):
        content.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(content.SerializeToString(), providers=["CPUExecutionProvider"])
    logits, theirs, floats = (v.reshape(256, -1) for v in session.run(None, {"images": images}))
    mine = ours[levels.source].reshape(256, -1)
    assert np.abs(floats - mine).max() <= 1e-6 * np.abs(mine).max()
    steps = theirs - ours[levels.name].reshape(256, -1)
    assert np.abs(steps).max() <= 1
    scaled = last.tensors["weight"].reshape(10, -1) * last.tensors["scale"][:, None].astype(np.float64)
    expected = ours[last.name].reshape(256, -1) + steps @ scaled.T
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
