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
