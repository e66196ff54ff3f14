"""ONNX models for ONNX Runtime and OpenVINO: one layer, or a float32 network; and their 8-bit forms (static QDQ)."""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from xnorkit.bench.layer_case import LayerCase

__all__ = ["INPUT", "export_network", "float_layer", "quantize"]

INPUT = "x"
OUTPUT = "y"
BATCH = "batch"
OPSET = 20


def float_layer(case: LayerCase) -> bytes:
    """Return the model of one float32 convolution with bias, (1, C, H, W) in and out."""
    shape = case.shape
    top, left, bottom, right = shape.padding
    bias = np.zeros_like(case.bias) if shape.binary else case.bias
    conv = helper.make_node(
        "Conv",
        [INPUT, "weight", "bias"],
        [OUTPUT],
        kernel_shape=shape.kernel,
        strides=(shape.stride, shape.stride),
        pads=(top, left, bottom, right),
        group=shape.groups,
    )
    graph = helper.make_graph(
        [conv],
        "layer",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (1, shape.in_channels, *shape.image))],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, (1, shape.out_channels, *shape.out_image))],
        [numpy_helper.from_array(case.weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    return model.SerializeToString()


def export_network(model: Any, input_shape: tuple[int, int, int]) -> bytes:
    """Return a torch network in evaluation mode as an ONNX model of (batch, C, H, W), the batch left open."""
    import torch

    example = torch.zeros(2, *input_shape)
    batch = torch.export.Dim(BATCH, min=1, max=4096)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about itself
        program = torch.onnx.export(
            model.eval(),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: batch},),
        )
    assert program is not None
    return program.model_proto.SerializeToString()


def quantize(model: bytes, calibration: Sequence[NDArray[np.float32]], weight_bits: int = 8) -> bytes:
    """Return the 8-bit form: uint8 activations and int8 weights per output channel, QuantizeLinear/DequantizeLinear.

    Ranges are the extremes over the calibration batches; batch norms after a convolution are folded into it first.

    Args:
        model: the float32 ONNX file.
        calibration: batches of images.
        weight_bits: 8, or 7 for weights from -64 to 64, for which a sum of two products always fits in 16 bits.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        """Yields the calibration batches one by one."""

        def __init__(self) -> None:
            self.batches: Iterator[NDArray[np.float32]] = iter(calibration)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            """Return the next batch, or None at the end."""
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: batch}

    logging.getLogger().setLevel(max(logging.getLogger().level, logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source, prepared, target = (Path(folder) / name for name in ("float.onnx", "prepared.onnx", "int8.onnx"))
        source.write_bytes(model)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=weight_bits < 8,
        )
        return onnx.load(target).SerializeToString()
