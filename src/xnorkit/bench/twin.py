"""The float32 twin of a network, in every engine that can run it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xnorkit.bench.engines import Engine
from xnorkit.bench.peers.pytorch import compiled_model, float_model, torch_threads

__all__ = ["Twin"]

CALIBRATION_BATCHES = 4
CALIBRATION_IMAGES = 4


class Twin:
    """A float32 network, whose ONNX forms are created once, on first use, for every batch."""

    def __init__(self, model: nn.Module, input_shape: tuple[int, int, int]) -> None:
        self.model = model.eval()
        self.input_shape = input_shape
        self._int8 = dict[int, bytes]()

    def call(self, engine: Engine, images: NDArray[np.float32], threads: int) -> Callable[[], Any]:
        """Return a call of the network on `images` in an engine of `MODEL_ENGINES`.

        Raises:
            PeerError: the engine cannot run it here. The engine may raise other exceptions.
        """
        if engine.name == "torch_f32":
            return float_model(self.model, torch.from_numpy(images))
        if engine.name == "torch_compile_f32":
            return compiled_model(self.model, torch.from_numpy(images))
        if engine.family == "onnxruntime":
            from xnorkit.bench.peers.onnx_runtime import session

            return session(self._file(engine), images, threads)
        from xnorkit.bench.peers.open_vino import infer

        return infer(self._file(engine), images, threads, keep_float32=not engine.is_int8)

    def answer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits of PyTorch eager float32."""
        with torch.inference_mode():
            return self.model(torch.from_numpy(images)).numpy()

    def file_bytes(self, engine: Engine) -> int:
        """Return the size of the ONNX file that an engine loads, or of the weights and statistics in float32."""
        if engine.family.startswith("torch"):
            tensors = self.model.state_dict().values()
            return sum(t.numel() * t.element_size() for t in tensors if t.is_floating_point())
        return len(self._file(engine))

    def threads(self, count: int) -> AbstractContextManager[None]:
        """Return a context in which PyTorch uses `count` threads."""
        return torch_threads(count)

    @cached_property
    def _float(self) -> bytes:
        from xnorkit.bench.peers.onnx_graphs import export_network

        return export_network(self.model, self.input_shape)

    def _file(self, engine: Engine) -> bytes:
        """Return the ONNX file; the 8-bit one is calibrated on normal random images, like the timed ones."""
        if not engine.is_int8:
            return self._float
        bits = engine.weight_bits()
        if bits not in self._int8:
            from xnorkit.bench.peers.onnx_graphs import quantize

            rng = np.random.default_rng(1)
            shape = (CALIBRATION_IMAGES, *self.input_shape)
            batches = [rng.standard_normal(shape, dtype=np.float32) for _ in range(CALIBRATION_BATCHES)]
            self._int8[bits] = quantize(self._float, batches, bits)
        return self._int8[bits]
