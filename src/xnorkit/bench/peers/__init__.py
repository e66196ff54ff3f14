"""What else one could run: PyTorch, ONNX Runtime, OpenVINO. Each file needs its library and is imported only then."""
