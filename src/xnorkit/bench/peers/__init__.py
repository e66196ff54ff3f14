"""The alternatives: PyTorch, ONNX Runtime, OpenVINO. Each file needs its library and is imported only on use."""
