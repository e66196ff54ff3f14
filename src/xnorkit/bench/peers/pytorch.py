"""PyTorch in float32: eager, and compiled."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xnorkit.bench.faults import PeerError
from xnorkit.bench.layer_case import LayerCase

__all__ = ["compiled_model", "float_layer", "float_model", "torch_threads"]

TRIALS = 3


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Set PyTorch's number of threads within a context."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def float_layer(case: LayerCase) -> Callable[[], NDArray[np.float32]]:
    """Return a call of the layer in float32, (1, C, H, W) in and out, in the faster memory format."""
    shape = case.shape
    top, left, bottom, right = shape.padding
    x, weight = torch.from_numpy(case.x), torch.from_numpy(case.weight)
    bias = torch.zeros(shape.out_channels) if shape.binary else torch.from_numpy(case.bias)
    symmetric = top == bottom and left == right
    padding = (top, left) if symmetric else (0, 0)
    if not symmetric:
        x = F.pad(x, (left, right, top, bottom))

    def in_format(memory_format: torch.memory_format) -> Callable[[], Tensor]:
        image, filters = x.to(memory_format=memory_format), weight.to(memory_format=memory_format)

        def call() -> Tensor:
            with torch.inference_mode():
                return F.conv2d(image, filters, bias, shape.stride, padding, groups=shape.groups)

        return call

    return _as_array(_faster(in_format))


def float_model(model: nn.Module, images: Tensor) -> Callable[[], NDArray[np.float32]]:
    """Return a call of `model` in evaluation and inference mode on `images`, in the faster memory format."""
    return _as_array(_faster(lambda memory_format: _eager(model.eval(), images, memory_format)))


def compiled_model(model: nn.Module, images: Tensor) -> Callable[[], NDArray[np.float32]]:
    """Return a call of `model` through torch.compile with its default options, compiled for this batch.

    Raises:
        PeerError: the compiler fails, as it does without a C++ compiler.
    """
    compiled = torch.compile(model.eval(), dynamic=False)

    def call() -> Tensor:
        with torch.inference_mode():
            return compiled(images)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the compiler warns about itself
            call()
    except Exception as error:  # TorchInductor raises anything; this peer is then not available
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PeerError(f"torch.compile needs a working C++ compiler, but it fails here ({reason})") from error
    return _as_array(call)


def _eager(model: nn.Module, images: Tensor, memory_format: torch.memory_format) -> Callable[[], Tensor]:
    own = model.to(memory_format=memory_format)  # type: ignore[call-overload]
    batch = images.to(memory_format=memory_format)

    def call() -> Tensor:
        with torch.inference_mode():
            return own(batch)

    return call


def _faster(make: Callable[[torch.memory_format], Callable[[], Tensor]]) -> Callable[[], Tensor]:
    """Return the call in the format whose best of three is faster; the last one created shares its weights."""
    formats = (torch.contiguous_format, torch.channels_last)
    best = min(formats, key=lambda memory_format: _best_seconds(make(memory_format)))
    return make(best)


def _best_seconds(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(TRIALS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def _as_array(call: Callable[[], Tensor]) -> Callable[[], NDArray[np.float32]]:
    return lambda: call().numpy()
