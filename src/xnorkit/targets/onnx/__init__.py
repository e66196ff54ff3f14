"""Packed graph -> ONNX with standard operators, with the binary weights as bits or as floats."""

from xnorkit.targets.onnx.convert import to_onnx, write_onnx

__all__ = ["to_onnx", "write_onnx"]
