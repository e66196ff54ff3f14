"""Random small networks, drawn by hypothesis: every integer, bit and float of the packed program is the trained one."""

from typing import Any

import numpy as np
import pytest
import torch
from differential import unproved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import randomize_
from torch import Tensor, nn

from xnorkit.export import export_model, verify
from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, Identity
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    InputBiasBinarizer,
    RPReLU,
    SteHeavisideBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.runtime import Model

pytestmark = pytest.mark.filterwarnings("ignore::xnorkit.errors.BinarizationWarning")  # some have dead signs

CHANNELS = st.one_of(st.integers(1, 40), st.sampled_from([31, 32, 33, 63, 64, 65, 127, 128, 129, 130]))
PROCESSES = st.sampled_from([Identity, Identity, BasicScaleBinarizer, RPReLU, XNORScaleBinarizer])
INPUTS = st.sampled_from([BasicInputBinarizer, InputBiasBinarizer, SteHeavisideBinarizer])


class Unit(nn.Module):
    """Norm, binary convolution, activation, pool; then a sum with the input, both side by side, or a second reader."""

    def __init__(self, norm: nn.Module, conv: nn.Module, behind: nn.Module, twin: nn.Module | None, join: str) -> None:
        super().__init__()
        self.norm, self.conv, self.behind, self.twin, self.join = norm, conv, behind, twin, join

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        y = self.behind(self.conv(normed))
        if self.twin is not None:
            return y * self.behind(self.twin(normed))
        if self.join == "add":
            return y + x
        return torch.cat((y, x), 1) if self.join == "cat" else y


@st.composite
def units(draw: Any, channels: int, size: tuple[int, int]) -> nn.Module:
    """Draw a unit for an image of `size`; its convolution may be grouped, strided, dilated and padded unevenly."""
    join = draw(st.sampled_from(["none", "none", "add", "cat", "twin"]))
    out = channels if join == "add" else draw(CHANNELS)
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3, channels) if channels % g == 0 and out % g == 0]))
    kernel, padding = [], []
    dilation = draw(st.sampled_from([1, 1, 2]))
    for length in size:
        pad = draw(st.integers(0, 3))
        reach = [k for k in range(1, 8) if dilation * (k - 1) + 1 <= length + 2 * pad]
        kernel.append(draw(st.sampled_from(reach)))
        padding.append(pad)
    stride = 1 if join == "add" else draw(st.sampled_from([1, 1, 2]))
    if join == "add" and draw(st.booleans()):
        kernel, padding, dilation = [3, 3], [1, 1], 1
    config = BConfig(draw(INPUTS), draw(PROCESSES), XNORWeightBinarizer)

    def conv() -> nn.Module:
        geometry = (tuple(kernel), stride, tuple(padding), dilation, groups)
        return BinaryConv2d(channels, out, *geometry, bias=draw(st.booleans()), bconfig=config)

    activation = draw(st.sampled_from([nn.Identity, nn.ReLU, nn.Hardtanh, nn.LeakyReLU, nn.PReLU]))()
    if isinstance(activation, nn.PReLU) and draw(st.booleans()):
        nn.init.constant_(activation.weight, -0.3)
    pool = draw(
        st.sampled_from([nn.Identity(), nn.MaxPool2d(2, 1, 1), nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(1)])
    )
    norm = draw(st.sampled_from([nn.BatchNorm2d, nn.BatchNorm2d, nn.Identity]))(channels)
    unit = Unit(norm, conv(), nn.Sequential(activation, pool), conv() if join == "twin" else None, "none").eval()
    x = torch.zeros(1, channels, *size)
    y = unit(x)
    unit.join = join if y.shape == x.shape or (join == "cat" and y.shape[2:] == x.shape[2:]) else "none"
    return unit


@st.composite
def networks(draw: Any) -> tuple[nn.Module, tuple[int, int, int]]:
    """Draw a network of one to three units between a float convolution and two linear layers, and its input shape."""
    seed = draw(st.integers(0, 1000))
    torch.manual_seed(seed)
    shape = (2, draw(st.integers(2, 8)), draw(st.integers(2, 8)))
    model = nn.Sequential(nn.Conv2d(2, draw(CHANNELS), 1)).eval()
    for _ in range(draw(st.integers(1, 3))):
        value = model(torch.zeros(1, *shape))
        if min(value.shape[2:]) < 2:
            break
        model.append(draw(units(value.shape[1], tuple(value.shape[2:]))).eval())
    features = model(torch.zeros(1, *shape)).flatten(1).shape[1]
    behind = [nn.BatchNorm1d(features)] if draw(st.booleans()) else []
    model.extend([nn.Flatten(), *behind, BinaryLinear(features, 9), nn.BatchNorm1d(9), nn.Linear(9, 3)])
    model = randomize_(model, seed)
    for module in model.modules():
        if isinstance(module, InputBiasBinarizer | RPReLU | BasicScaleBinarizer):
            for parameter in module.parameters():
                nn.init.normal_(parameter, std=0.5)
    return model, shape


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(networks())
def test_every_integer_and_bit_is_the_trained_one(drawn: tuple[nn.Module, tuple[int, int, int]]) -> None:
    model, shape = drawn
    images = np.random.default_rng(0).standard_normal((3, *shape), dtype=np.float32)
    export = export_model(model, shape)
    proof = verify(model, Model(export.graph), images, export=export)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
    assert not unproved(proof, export.graph)
