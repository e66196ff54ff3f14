"""Small models whose forwards are written for a test, and the proof that they are packed to their own numbers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.export import pack, verify
from xnorkit.nn import BConfig, BinaryConv2d
from xnorkit.ops import (
    BasicInputBinarizer,
    SignWeightBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.runtime import Model

SHAPE = (3, 8, 8)
STE = BConfig(BasicInputBinarizer, weight_pre_process=SignWeightBinarizer)
W = BConfig(weight_pre_process=SignWeightBinarizer)
XN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)

Forward = Callable[[Any, Tensor], Tensor]


class Net(nn.Module):
    """Four layers of eight channels, a classifier, and the forward that is given."""

    def __init__(self, forward: Forward, features: int = 8) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.c, self.n, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
        self.a = BinaryConv2d(8, 8, 3, padding=1, bconfig=XN)
        self.b = BinaryConv2d(8, 8, 3, padding=1, bconfig=XN)
        self.f = nn.Linear(features, 4)
        self.scale, self.kept, self.calls = nn.Parameter(torch.randn(8, 1, 1)), None, 0
        self.register_buffer("count", torch.zeros(1))
        self.call = forward
        nn.init.normal_(self.n.bias)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self, x)

    def end(self, x: Tensor) -> Tensor:
        return self.f(x.mean((2, 3)))


def spelled(tail: Callable[[Net, Tensor], Tensor]) -> Forward:
    return lambda s, x: tail(s, s.b(s.a(s.n(s.c(x)))))


def before(head: Callable[[Net, Tensor], Tensor]) -> Forward:
    """A call between the float layer and a sign."""
    return lambda s, x: s.end(s.a(head(s, s.n(s.c(x)))))


def proved(model: nn.Module, shape: tuple[int, int, int] = SHAPE, **options: Any) -> Model:
    packed = Model(pack(model, shape, **options))
    torch.manual_seed(0)
    images = torch.randn(5, *shape)
    proof = verify(model, packed, images)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
    with torch.no_grad():
        wanted = model.eval()(images.clone())
    assert torch.allclose(torch.from_numpy(packed(images)).reshape(wanted.shape), wanted, atol=1e-4)
    return packed
