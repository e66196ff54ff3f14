"""Whole networks as ONNX: logits of ONNX Runtime and OpenVINO against PyTorch's.

Every float sum of these networks has at most a few thousand terms, so another order of summation moves a logit by some
2^-24 of the largest number on its way: 1e-5 of the largest logit is a hundred times that. A sign that such a sum turns
would move the logits by far more.
"""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from networks import randomize_

from xnorkit.export import pack
from xnorkit.export.onnx import to_onnx
from xnorkit.models import create_model, input_shape

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
