"""OpenVINO on its CPU plugin: ONNX models in float32 or 8 bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

__all__ = ["CONFIG", "call_of", "infer"]

CONFIG = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}


def infer(
    model: bytes, images: NDArray[np.float32], threads: int, *, keep_float32: bool
) -> Callable[[], NDArray[np.float32]]:
    """Return a call of an ONNX model on `images` with `threads` threads.

    Args:
        model: the ONNX file.
        images: (N, C, H, W).
        threads: most threads of the inference.
        keep_float32: compute float32 layers in float32; else OpenVINO may take bfloat16 where the CPU has it.
    """
    core = openvino.Core()
    network = core.read_model(model)
    network.reshape(list(images.shape))
    config = {**CONFIG, "INFERENCE_NUM_THREADS": str(threads)}
    if keep_float32:
        config["INFERENCE_PRECISION_HINT"] = "f32"
    return call_of(core.compile_model(network, "CPU", config), images)


def call_of(compiled: Any, images: NDArray[np.float32]) -> Callable[[], NDArray[np.float32]]:
    """Return a call of a compiled model on `images`, without a copy of the input; the output is the request's own."""
    request = compiled.create_infer_request()
    tensor = openvino.Tensor(images, shared_memory=True)

    def call() -> NDArray[np.float32]:
        request.set_input_tensor(tensor)
        request.infer()
        return request.get_output_tensor().data

    return call
