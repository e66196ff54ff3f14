"""LeNet-5: sizes, shapes, order of the flattened features, projection."""

import pytest
import torch
from torch import nn

from xnorkit.errors import InputError
from xnorkit.models import LeNet5, create_model, input_shape
from xnorkit.nn import BinaryConv2d, BinaryLinear, project_


def test_parameter_counts() -> None:
    model = create_model("lenet5")
    binary = [m for m in model.modules() if isinstance(m, BinaryConv2d | BinaryLinear)]
    assert sum(p.numel() for p in model.parameters()) == 431_220
    assert sum(m.weight.numel() for m in binary) == 425_000
    assert [tuple(m.weight.shape) for m in binary] == [(50, 20, 5, 5), (500, 800)]


def test_float_twin_has_the_same_parameters_and_no_sign() -> None:
    xnor, twin = create_model("lenet5"), create_model("lenet5", binarization="float")
    assert {k: v.shape for k, v in xnor.state_dict().items()} == {k: v.shape for k, v in twin.state_dict().items()}
    assert not any(isinstance(m, BinaryConv2d | BinaryLinear) for m in twin.modules())


@pytest.mark.parametrize("binarization", ["xnor", "float"])
def test_logits(binarization: str) -> None:
    model = create_model("lenet5", num_classes=7, binarization=binarization)
    assert model(torch.randn(2, *input_shape("lenet5"))).shape == (2, 7)


def test_normalisation_settings() -> None:
    model = LeNet5()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [(m.num_features, m.affine, m.eps) for m in norms] == [(20, False, 1e-4), (20, True, 1e-4), (50, True, 1e-4)]


@pytest.mark.parametrize(("binarization", "least"), [("xnor", 0.01), ("float", -3.0)])
def test_projection(binarization: str, least: float) -> None:
    model = create_model("lenet5", binarization=binarization)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(-3.0)
    project_(model)
    assert torch.tensor(least) == model.block2.bn.weight.min() == model.block3.bn.weight.max()
    inner = -1 + 2**-24 if binarization == "xnor" else -3.0
    assert model.block2.conv.weight.max() == model.block3.linear.weight.min() == inner
    assert model.conv1.weight.max() == model.classifier.weight.max() == model.block2.bn.bias.max() == -3.0


def test_unknown_binarization_is_not_taken_for_float() -> None:
    with pytest.raises(
        InputError, match=r"LeNet5: binarization='xnr', but it must be one of float, .*Did you mean xnor"
    ):
        LeNet5(binarization="xnr")
