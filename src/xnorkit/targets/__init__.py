"""Packed graph -> other forms: ONNX and C."""
