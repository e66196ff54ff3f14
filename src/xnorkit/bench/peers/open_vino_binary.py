"""Handwritten graphs of OpenVINO's BinaryConvolution, to which no framework converts, in its fastest form.

The graph must have this form: signs come from FakeQuantize with 2 levels, equal low and high input bounds and outputs
exactly 0 and 1, so that the plugin writes bits (x above the bound is +1, the bound itself -1); weights are a u1
constant, bit 1 for +1, least significant bit first, whose buffer must outlive the graph; channel counts are multiples
of 8, because others silently yield wrong numbers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops

from xnorkit.bench.faults import PeerError
from xnorkit.bench.layer_case import LayerCase, Layout, sum_of_taps
from xnorkit.bench.peers.open_vino import CONFIG, call_of
from xnorkit.bench.timing import SelfTimed
from xnorkit.runtime import unpack_bits

__all__ = ["binary_model", "binary_node"]

CHANNELS = 8
TARGET = "target"


def binary_model(case: LayerCase, threads: int, layout: Layout) -> Callable[[], NDArray[np.float32]]:
    """Return a call of the one-layer model: float32 in, sign, binary convolution, scale, bias, float32 out.

    Raises:
        PeerError: the node does not compute such a layer.
    """
    _check_suitable(case)
    buffers: list[NDArray[np.uint8]] = []
    image = ops.parameter(list(case.x.shape), np.float32, name="x")
    dots = _convolution(_signs(image, np.zeros(case.shape.in_channels)), case.weight, case, buffers)
    scaled = ops.multiply(dots, ops.constant(case.scale.reshape(1, -1, 1, 1)))
    output = ops.add(scaled, ops.constant(case.bias.reshape(1, -1, 1, 1)))
    model = openvino.Model([output], [image])
    x = case.x
    if layout == "nhwc":
        model = _with_channels_last(model)
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    return _keeping(call_of(_compile(model, threads), x), buffers)


def binary_node(case: LayerCase, threads: int) -> SelfTimed:
    """Return the binary convolution alone, bits in and thresholded bits out, timed by the plugin's own profiler.

    The graph is sign, the convolution, its thresholds, a 1x1 binary convolution that makes the plugin keep bits between
    the two; only the first convolution, with the thresholds fused in, counts. The profiler counts whole microseconds.

    Raises:
        PeerError: the node does not compute such a layer, or its answer is not the reference's.
    """
    _check_suitable(case)
    buffers: list[NDArray[np.uint8]] = []
    image = ops.parameter(list(case.x.shape), np.float32, name="x")
    dots = _convolution(_signs(image, np.zeros(case.shape.in_channels)), case.weight, case, buffers)
    dots.set_friendly_name(TARGET)
    # bit 0, that is +1, where the dot is at least the threshold: above the threshold less a half.
    bits = _signs(dots, case.threshold - 0.5)
    rng = np.random.default_rng(5)
    readers = rng.choice(np.array([-1, 1], dtype=np.float32), (CHANNELS, case.shape.out_channels, 1, 1))
    output = _convolution(bits, readers, None, buffers)
    request = _compile(openvino.Model([output], [image]), threads, PERF_COUNT="YES").create_infer_request()
    request.set_input_tensor(openvino.Tensor(case.x, shared_memory=True))
    request.infer()
    signs = unpack_bits(case.answer_bits, case.shape.out_channels).transpose(0, 3, 1, 2).astype(np.float32)
    if not np.array_equal(request.get_output_tensor().data, sum_of_taps(signs, readers[:, :, 0, 0])):
        raise PeerError("wrong answer: the bits differ from the reference's, but they must be equal")

    def call() -> float:
        request.infer()
        times = [node.real_time.total_seconds() for node in request.profiling_info if node.node_name == TARGET]
        return max(times) * 1e6

    return SelfTimed(_keeping(call, buffers))


def _check_suitable(case: LayerCase) -> None:
    shape = case.shape
    if shape.in_channels % CHANNELS or shape.out_channels % CHANNELS:
        raise PeerError(
            f"wrong answers for channels that are not a multiple of {CHANNELS}: {shape.in_channels} in, "
            f"{shape.out_channels} out"
        )
    if shape.groups > 1:
        raise PeerError("the node does not support groups of channels")


def _signs(values: Any, bounds: NDArray[Any]) -> Any:
    limits = bounds.astype(np.float32).reshape(1, -1, 1, 1)
    return ops.fake_quantize(values, limits, limits, np.float32(0), np.float32(1), 2)


def _convolution(bits: Any, weight: NDArray[np.float32], case: LayerCase | None, buffers: list[Any]) -> Any:
    packed = np.packbits((weight > 0).reshape(-1), bitorder="little")
    buffers.append(packed)
    constant = openvino.op.Constant(openvino.Tensor(packed, list(weight.shape), openvino.Type.u1))
    top, left, bottom, right = case.shape.padding if case else (0, 0, 0, 0)
    stride = case.shape.stride if case else 1
    return ops.binary_convolution(
        bits, constant, [stride, stride], [top, left], [bottom, right], [1, 1], "xnor-popcount", 0.0
    )


def _with_channels_last(model: Any) -> Any:
    """Return the model with input and output (N, H, W, C); OpenVINO adds the conversion and then removes it."""
    steps = openvino.preprocess.PrePostProcessor(model)
    for end in (steps.input(), steps.output()):
        end.tensor().set_layout(openvino.Layout("NHWC"))
        end.model().set_layout(openvino.Layout("NCHW"))
    return steps.build()


def _compile(model: Any, threads: int, **config: str) -> Any:
    settings = {**CONFIG, "INFERENCE_NUM_THREADS": str(threads), "INFERENCE_PRECISION_HINT": "f32", **config}
    return openvino.Core().compile_model(model, "CPU", settings)


def _keeping(call: Callable[[], Any], buffers: list[NDArray[np.uint8]]) -> Callable[[], Any]:
    """Return `call`, which now keeps the buffers alive."""

    def held() -> Any:
        assert buffers
        return call()

    return held
