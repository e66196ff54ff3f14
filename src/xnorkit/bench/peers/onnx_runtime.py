"""ONNX Runtime on its CPU provider."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from xnorkit.bench.peers.onnx_graphs import BATCH, INPUT

__all__ = ["session"]


def session(model: bytes, images: NDArray[np.float32], threads: int) -> Callable[[], NDArray[np.float32]]:
    """Return a call of an ONNX model on `images` with all graph optimisations, fixed batch and `threads` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    options.add_free_dimension_override_by_name(BATCH, len(images))
    own = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: own.run(None, {INPUT: images})[0]
