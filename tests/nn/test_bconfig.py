"""BConfig: what it takes, how its factories are called, layers made with it."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, Identity
from xnorkit.ops import BasicInputBinarizer, BasicScaleBinarizer, InputBiasBinarizer, XNORWeightBinarizer


class Plain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()


class NeedsLayer(nn.Module):
    def __init__(self, owner: nn.Module) -> None:
        super().__init__()
        self.channels = owner.out_channels

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return y * self.channels


class MayTakeLayer(nn.Module):
    def __init__(self, layer: nn.Module | None = None) -> None:
        super().__init__()
        self.got = type(layer).__name__


class TakesOptions(nn.Module):
    def __init__(self, slope: float = 2.0) -> None:
        super().__init__()
        self.slope = slope


def test_defaults_are_identities() -> None:
    config = BConfig()
    layer = BinaryConv2d(2, 3, 1, bconfig=config)
    assert layer.bconfig is config
    assert type(layer.activation_pre_process) is type(layer.weight_pre_process) is nn.Identity
    assert type(layer.activation_post_process) is Identity
    y, x = torch.zeros(1), torch.ones(1)
    assert Identity()(y, x) is y


@pytest.mark.parametrize("field", ["activation_pre_process", "activation_post_process", "weight_pre_process"])
def test_instances_are_refused(field: str) -> None:
    with pytest.raises(InputError, match=rf"{field} received an instance of Plain, but it must be a"):
        BConfig(**{field: Plain()})
    with pytest.raises(ValueError, match="instance of str"):
        BConfig(**{field: "sign"})


def test_with_args_is_chainable_and_makes_a_module_for_each_layer() -> None:
    factory = XNORWeightBinarizer.with_args(center_weights=True).with_args(compute_alpha=False)
    config = BConfig(weight_pre_process=factory)
    one, two = (BinaryConv2d(2, 3, 1, bconfig=config).weight_pre_process for _ in range(2))
    assert one is not two
    assert (one.center_weights, one.compute_alpha) == (True, False)


def test_which_factories_get_the_layer() -> None:
    config = BConfig(MayTakeLayer, NeedsLayer, TakesOptions)
    layer = BinaryConv2d(2, 5, 1, bconfig=config)
    assert layer.activation_pre_process.got == "BinaryConv2d"
    assert layer.activation_post_process.channels == 5
    assert layer.weight_pre_process.slope == 2.0
    made = BinaryConv2d(2, 5, 1, bconfig=BConfig(lambda: Plain().eval(), lambda owner: NeedsLayer(owner).eval()))
    assert isinstance(made.activation_pre_process, Plain)
    assert made.activation_pre_process.training
    assert made.activation_post_process.channels == 5
    assert type(BinaryConv2d(2, 5, 1, bconfig=BConfig(nn.Tanh)).activation_pre_process) is nn.Tanh


def test_torch_identity_as_post_process_takes_both_arguments() -> None:
    layer = BinaryLinear(4, 3, bconfig=BConfig(activation_post_process=nn.Identity))
    x = torch.randn(2, 4)
    assert torch.equal(layer(x), nn.functional.linear(x, layer.weight, layer.bias))


def test_a_factory_that_returns_no_module_is_refused() -> None:
    with pytest.raises(InputError, match="activation_pre_process returned int, but it must return a"):
        BinaryLinear(4, 3, bconfig=BConfig(lambda: 3))


def test_processes_are_on_the_device_and_of_the_dtype_of_the_layer() -> None:
    layer = BinaryConv2d(2, 3, 1, bconfig=BConfig(InputBiasBinarizer, BasicScaleBinarizer), device="meta")
    assert {p.device.type for p in layer.parameters()} == {"meta"}
    layer = BinaryLinear(2, 3, bconfig=BConfig(InputBiasBinarizer, BasicScaleBinarizer), dtype=torch.float64)
    assert {p.dtype for p in layer.parameters()} == {torch.float64}


def test_layer_copies_and_pickles_with_its_config() -> None:
    config = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer.with_args(center_weights=True))
    layer, x = BinaryConv2d(3, 4, 3, bconfig=config), torch.randn(1, 3, 5, 5)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x), layer(x))
        assert twin.weight is not layer.weight
        assert twin.bconfig.activation_pre_process is BasicInputBinarizer


def test_config_cannot_be_changed_once_layers_share_it() -> None:
    with pytest.raises(AttributeError):
        BConfig().weight_pre_process = XNORWeightBinarizer  # type: ignore[misc]
