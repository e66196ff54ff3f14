"""Learned shifts that start from data."""

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.models import create_model
from xnorkit.nn import BConfig, BinaryConv1d, BinaryConv2d, BinaryLinear, center_shifts_
from xnorkit.ops import BasicInputBinarizer, InputBiasBinarizer

SHIFTED = BConfig(InputBiasBinarizer)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (BinaryConv1d(3, 2, 3, bconfig=SHIFTED), (5, 3, 7)),
        (BinaryConv2d(3, 2, 3, bconfig=SHIFTED), (5, 3, 7, 6)),
        (BinaryConv2d(1, 2, 3, bconfig=SHIFTED), (5, 1, 7, 6)),
        (BinaryConv2d(3, 2, 3, bconfig=SHIFTED), (3, 7, 6)),
        (BinaryLinear(3, 2, bconfig=SHIFTED), (5, 3)),
        (BinaryLinear(3, 2, bconfig=SHIFTED), (5, 4, 3)),
        (BinaryLinear(3, 2, bconfig=SHIFTED), (3,)),
    ],
)
def test_a_shift_is_minus_the_mean_of_its_channel(layer: nn.Module, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 2
    channels = layer.activation_pre_process.bias.numel()
    assert center_shifts_(layer, x) == 1
    axis = x.dim() - 1 if isinstance(layer, BinaryLinear) else x.dim() - (layer.weight.dim() - 1)
    means = x.movedim(axis, 0).reshape(channels, -1).mean(1)
    torch.testing.assert_close(layer.activation_pre_process.bias.flatten(), -means)


def test_layers_see_the_shifts_before_them_and_both_signs_occur() -> None:
    torch.manual_seed(0)
    model = create_model("resnet20-cifar10", binarization="react").eval()
    images = torch.randn(64, 3, 32, 32)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    assert center_shifts_(model, images) == 18
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training
    shifts = {id(m.bias) for m in model.modules() if isinstance(m, InputBiasBinarizer)}
    for name, value in model.state_dict(keep_vars=True).items():
        assert torch.equal(value, before[name]) == (id(value) not in shifts), name
    means: list[Tensor] = []
    hooks = [
        m.register_forward_pre_hook(lambda m, x: means.append((x[0] + m.bias).mean((0, 2, 3)).abs().max()))
        for m in model.modules()
        if isinstance(m, InputBiasBinarizer)
    ]
    model.train()(images)
    for hook in hooks:
        hook.remove()
    assert len(means) == 18
    assert max(means).item() < 1e-4


def test_a_shared_layer_is_set_at_its_first_call_and_a_tuple_is_all_arguments() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = BinaryLinear(4, 4, bconfig=SHIFTED)

        def forward(self, x: Tensor, scale: Tensor) -> Tensor:
            return self.layer(self.layer(x * scale))

    model = Twice()
    x = torch.rand(8, 4)
    assert center_shifts_(model, (x, torch.tensor(3.0))) == 1
    torch.testing.assert_close(model.layer.activation_pre_process.bias, -(3 * x).mean(0, keepdim=True))


def test_refusals() -> None:
    with pytest.raises(InputError, match="must hold an InputBiasBinarizer"):
        center_shifts_(BinaryLinear(3, 2, bconfig=BConfig(BasicInputBinarizer)), torch.rand(4, 3))
    layer = BinaryLinear(3, 2, bconfig=SHIFTED)
    with pytest.raises(InputError, match="NaN or infinity"):
        center_shifts_(layer, torch.full((4, 3), float("nan")))
    assert not layer.activation_pre_process.bias.any()


class Fails(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("mine")


class Counts(nn.Module):
    """Keeps what it has seen in buffers that it adds, replaces, extends and removes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = BinaryLinear(4, 4, bconfig=SHIFTED)
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(0))
        self.register_buffer("last", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.seen, self.last = torch.cat([self.seen, torch.ones(1)]), None
        self.register_buffer("new", x.mean())
        return self.layer(x)


def test_a_forward_that_raises_leaves_everything_as_it_was() -> None:
    layer = BinaryLinear(4, 4, bconfig=SHIFTED)
    model = nn.Sequential(nn.BatchNorm1d(4), layer, Fails()).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="mine"):
        center_shifts_(model, torch.rand(8, 4))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert not layer.activation_pre_process._forward_pre_hooks


def test_buffers_that_a_forward_changes_are_restored() -> None:
    model = Counts()
    x = torch.rand(8, 4)
    assert center_shifts_(model, x) == 1
    assert {name: value.numel() for name, value in model.named_buffers()} == {"seen": 0, "last": 1}
    torch.testing.assert_close(model.layer.activation_pre_process.bias, -x.mean(0, keepdim=True))


def test_layers_that_share_a_shift_get_that_of_the_first_call() -> None:
    first, second = BinaryLinear(4, 4, bconfig=SHIFTED), BinaryLinear(4, 4, bconfig=SHIFTED)
    second.activation_pre_process.bias = first.activation_pre_process.bias
    x = torch.rand(8, 4)
    assert center_shifts_(nn.Sequential(first, second), x) == 1
    torch.testing.assert_close(first.activation_pre_process.bias, -x.mean(0, keepdim=True))


def test_models_without_numbers_are_refused() -> None:
    layer = BinaryLinear(4, 4, bconfig=SHIFTED)
    for lazy in (nn.LazyLinear(4), nn.LazyBatchNorm1d()):
        with pytest.raises(InputError, match="lazy layers"):
            center_shifts_(nn.Sequential(lazy, layer), torch.rand(8, 4))
    with pytest.raises(InputError, match="'meta'"):
        center_shifts_(layer.to("meta"), torch.rand(8, 4))
