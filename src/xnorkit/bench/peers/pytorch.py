"""PyTorch eager float32: the peer that every user of this library already has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn

from xnorkit.bench.shapes import LayerShape

__all__ = ["float_convolution", "float_model", "torch_threads"]


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Set PyTorch's number of threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def float_convolution(shape: LayerShape) -> Callable[[], torch.Tensor]:
    """Return a call of the same convolution in float32 on one random image; no bias."""
    generator = torch.Generator().manual_seed(0)
    top, left, bottom, right = shape.padding
    x = torch.randn(1, shape.in_channels, *shape.image, generator=generator)
    weight = torch.randn(shape.out_channels, shape.in_channels, *shape.kernel, generator=generator)
    symmetric = top == bottom and left == right
    padding = (top, left) if symmetric else (0, 0)
    if not symmetric:
        x = F.pad(x, (left, right, top, bottom))

    def call() -> torch.Tensor:
        with torch.inference_mode():
            return F.conv2d(x, weight, None, 1, padding)

    return call


def float_model(model: nn.Module, images: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return a call of `model` in evaluation and inference mode on `images`."""
    model = model.eval()

    def call() -> torch.Tensor:
        with torch.inference_mode():
            return model(images)

    return call
