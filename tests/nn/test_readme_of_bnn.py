"""The snippets of the README of the `bnn` fork, with the package renamed and its typos mended."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from xnorkit import BConfig, convert, prepare_binary_model
from xnorkit.compat.bnn.models import resnet18 as compat_resnet18
from xnorkit.data._torchvision import import_torchvision
from xnorkit.errors import BinarizationWarning, DataError
from xnorkit.models import resnet18
from xnorkit.nn import BinaryConv2d, BinaryLinear, Identity, center_shifts_, find_dead_signs
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    InputBiasBinarizer,
    XNORWeightBinarizer,
)


def runs(model: nn.Module, classes: int = 1000) -> None:
    torch.manual_seed(0)
    y = model(torch.randn(2, 3, 32, 32))
    assert y.shape == (2, classes)
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def layers(model: nn.Module) -> list[nn.Module]:
    return [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


EXAMPLE_OF_PREPARING_A_MODEL = """
from bnn.ops import (
    BasicInputBinarizer,
    XNORWeightBinarizer,
    BasicScaleBinarizer,
    InputBiasBinarizer # corresponds to RSign from ReActNet 
) # Binarizers for pre/post processing of actiations and weights.

model = resnet18(num_classes=1000, rprelu=False) # model, imported from `/models`
  
bconfig = BConfig(
    activation_pre_process=InputBiasBinarizer, # corresponds to RSign from ReActNet
    activation_post_process=BasicScaleBinarizer,
    weight_pre_process=XNORWeightBinarizer.with_args(compute_alpha=False,
                                                     center_weights=True),
) # Binarization config. 

model = prepare_binary_model(
    model,
    bconfig,
    custom_config_layers_name={
        "first_conv": BConfig(),
    },
) # Transform regular DNN into BNN.
"""  # noqa: W291, W293 - word for word


@pytest.mark.parametrize("make", [resnet18, compat_resnet18])
def test_example_of_preparing_a_model(make: Callable[..., nn.Module]) -> None:
    names = {"resnet18": make, "BConfig": BConfig, "prepare_binary_model": prepare_binary_model}
    exec(EXAMPLE_OF_PREPARING_A_MODEL.replace("from bnn", "from xnorkit.compat.bnn"), names)
    model: Any = names["model"]
    assert all(isinstance(m, BinaryConv2d | BinaryLinear) for m in layers(model))
    assert model.conv1.bconfig == BConfig()
    assert model.layer1[0].conv1.weight_pre_process.center_weights
    assert find_dead_signs(model) == []
    runs(model)


def test_the_example_starts_with_both_signs_in_every_layer() -> None:
    """A network of ReLUs and average pools: shifts of -0.001 leave up to 99 % of a layer's signs at +1."""
    torch.manual_seed(0)
    names = {"resnet18": compat_resnet18, "BConfig": BConfig, "prepare_binary_model": prepare_binary_model}
    exec(EXAMPLE_OF_PREPARING_A_MODEL.replace("from bnn", "from xnorkit.compat.bnn"), names)
    model: Any = names["model"]
    images = torch.randn(64, 3, 32, 32)
    assert max(shares_of_ones(model, images)) > 0.95
    assert center_shifts_(model, images) == 20
    shares = shares_of_ones(model, images)
    assert len(shares) == 20
    assert min(shares) > 0.2
    assert max(shares) < 0.8


def shares_of_ones(model: nn.Module, images: torch.Tensor) -> list[float]:
    found: list[float] = []
    processes = [m for m in model.modules() if isinstance(m, InputBiasBinarizer)]
    hooks = [m.register_forward_hook(lambda m, x, y: found.append((y > 0).float().mean().item())) for m in processes]
    with torch.no_grad():
        model.train()(images)
    for hook in hooks:
        hook.remove()
    return found


def own_resnet18() -> nn.Module:
    return resnet18()


def torchvision_resnet18() -> nn.Module:
    try:
        import_torchvision()
        from torchvision import models
    except (DataError, ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision: {error}")
    return models.resnet18(weights=None)  # pretrained=False in the README, as it was called then


@pytest.mark.parametrize("make", [own_resnet18, torchvision_resnet18])
def test_explicit_usage(make: type) -> None:
    model = make()
    bconfig = BConfig(
        activation_pre_process=BasicInputBinarizer,
        activation_post_process=BasicScaleBinarizer,
        # optionally, one can pass certain custom variables
        weight_pre_process=XNORWeightBinarizer.with_args(center_weights=True),
    )
    # The README writes ['conv1' : BConfig()], a list that should be a dict.
    with pytest.warns(BinarizationWarning, match="20 binary layers read numbers that are never negative"):
        bmodel = prepare_binary_model(model, bconfig, custom_config_layers_name={"conv1": BConfig()})
    assert bmodel is model
    assert isinstance(bmodel.layer4[1].conv2.activation_pre_process, BasicInputBinarizer)
    assert type(bmodel.conv1.activation_post_process) is Identity
    runs(bmodel)


def test_regular_expression_between_dollars() -> None:
    bconfig = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)
    ignored = [r"$downsample\.\d$", "conv1", "fc"]
    model = prepare_binary_model(resnet18(), bconfig, ignore_layers_name=ignored, activations="auto")
    assert len([m for m in layers(model) if isinstance(m, BinaryConv2d)]) == 16


def test_a_config_at_network_creation_then_convert() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3)
            self.conv2 = nn.Conv2d(8, 8, 3)
            self.conv2.bconfig = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)
            self.fc = nn.Linear(8, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.conv2(self.conv1(x)).mean((2, 3)))

    model = convert(Net())
    assert [type(m) for m in model.children()] == [nn.Conv2d, BinaryConv2d, nn.Linear]
    runs(model, classes=5)


class CustomOutputBinarizer(nn.Module):
    def __init__(self):
        super(CustomOutputBinarizer, self).__init__()  # noqa: UP008 - as the README writes it

    def forward(self, x_after, x_before):
        # scale binarizer takes a list of input containg [conv_output and conv_input]
        return F.normalize(x_after, p=2)  # operate on the conv_output


class CustomInputBinarizer(nn.Module):
    def __init__(self):
        super(CustomInputBinarizer, self).__init__()  # noqa: UP008

    def forward(self, x):
        # dummy example of using sign instead of tanh
        return torch.tanh(x)  # operate on the conv_output


def test_implementing_a_custom_weight_binarizer() -> None:
    bconfig = BConfig(
        activation_pre_process=CustomInputBinarizer,
        activation_post_process=CustomOutputBinarizer,
        weight_pre_process=nn.Identity,  # this will keep the weights real
    )
    model = prepare_binary_model(resnet18(num_classes=7), bconfig, ignore_layers_name=["fc"])
    runs(model, classes=7)
    conv, x = model.layer1[0].conv1, torch.randn(1, 64, 6, 6)
    assert torch.equal(conv(x), F.normalize(F.conv2d(torch.tanh(x), conv.weight, padding=1), p=2))
    assert conv.bit_reason() is not None
