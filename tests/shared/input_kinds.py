"""A small network, and its file, of each kind of input."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from xnorkit.export import pack
from xnorkit.format import Graph, InputSpec, Normalization, Preparation

__all__ = ["KINDS", "SHAPE", "network", "packed", "spec"]

SHAPE = (3, 6, 6)
MEAN_IMAGE = np.random.default_rng(1).uniform(80, 140, SHAPE).astype(np.float32)
BY = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

KINDS: Mapping[str, tuple[Normalization | None, Preparation]] = {
    "pixels": (BY, Preparation()),
    "transposed": (BY, Preparation(transposed=True)),
    "bgr": (BY, Preparation("bgr")),
    "bgr-mean-image": (None, Preparation("bgr", mean_image=MEAN_IMAGE)),
    "bgr-mean-image-transposed": (None, Preparation("bgr", True, MEAN_IMAGE)),
    "prepared": (None, Preparation(prepared="whitened")),
    "unknown": (None, Preparation()),
}


def spec(kind: str) -> InputSpec:
    """Return the input of a network of that kind."""
    normalization, preparation = KINDS[kind]
    return InputSpec(SHAPE, normalization, preparation=preparation)


def network() -> nn.Module:
    """Return a network whose answer changes with every pixel and with the order of channels."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10)).eval()


def packed(kind: str, model: nn.Module | None = None) -> Graph:
    """Return its file."""
    normalization, preparation = KINDS[kind]
    model = network() if model is None else model
    return pack(model, SHAPE, name="small", normalization=normalization, preparation=preparation)
