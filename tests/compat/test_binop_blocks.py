"""BinActive and BinConv2d: values, gradients, names of parameters, refusals."""

import pytest
import torch
from torch import nn

from xnorkit.compat.bin_active import BinActive
from xnorkit.compat.bin_conv import BinConv2d
from xnorkit.errors import InputError


@pytest.mark.parametrize("call", [BinActive(), BinActive.apply], ids=["instance", "apply"])
def test_bin_active(call: object) -> None:
    x = torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    y = call(x)
    assert y.tolist() == [-1, -1, -1, 0, 1, 1, 1]
    y.backward(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, float("inf"), 7.0]))
    assert x.grad.tolist() == [0, 0, 3, 4, 5, 0, 0]  # outside, even an infinite gradient is set to 0


# torch.compile itself makes an instance of the autograd function's base class.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_bin_active_compiles() -> None:
    def both(x: torch.Tensor) -> torch.Tensor:
        return BinActive()(x) + BinActive.apply(x)

    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1), requires_grad=True)
    y = torch.compile(both, backend="aot_eager", fullgraph=True)(x)
    y.sum().backward()
    assert torch.equal(y, 2 * x.sign())
    assert torch.equal(x.grad, 2.0 * (x.abs() < 1))


def test_convolution_block_is_bn_sign_conv_relu() -> None:
    torch.manual_seed(0)
    block = BinConv2d(3, 5, kernel_size=3, stride=2, padding=1)
    x = torch.randn(2, 3, 7, 7)
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
    signs = ((x - mean) / (var + 1e-4).sqrt()).sign()
    expected = nn.functional.conv2d(signs, block.conv.weight, block.conv.bias, 2, 1).clamp_min(0)
    torch.testing.assert_close(block(x), expected)
    assert {name for name, _ in block.named_parameters()} == {"bn.weight", "bn.bias", "conv.weight", "conv.bias"}


def test_linear_block_after_a_convolution() -> None:
    torch.manual_seed(0)
    block = BinConv2d(4 * 9, 5, Linear=True, previous_conv=True, size=9)
    x = torch.randn(2, 4, 3, 3)
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
    signs = ((x - mean) / (var + 1e-4).sqrt()).sign().flatten(1)
    torch.testing.assert_close(block(x), (signs @ block.linear.weight.T + block.linear.bias).clamp_min(0))
    assert block.bn.num_features == 4
    assert {name for name, _ in block.named_parameters()} == {"bn.weight", "bn.bias", "linear.weight", "linear.bias"}


def test_linear_block_with_dropout() -> None:
    torch.manual_seed(0)
    block = BinConv2d(400, 2, dropout=0.25, Linear=True)
    seen = []
    block.linear.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    x = torch.randn(50, 400)
    block(x)
    values, share = seen[0].unique(), (seen[0] == 0).float().mean()
    assert values.tolist() == pytest.approx([-4 / 3, 0, 4 / 3])  # dropout after the sign, as in the reference
    assert share == pytest.approx(0.25, abs=0.02)
    block.eval()(x)
    assert seen[1].unique().tolist() == [-1, 1]


def test_refusals() -> None:
    with pytest.raises(InputError, match="kernel_size=3, stride=-1, padding=-1"):
        BinConv2d(3, 4, 3)
    with pytest.raises(InputError, match="size=7 for 36 features"):
        BinConv2d(36, 4, Linear=True, previous_conv=True, size=7)
    with pytest.raises(InputError, match="size=0"):
        BinConv2d(36, 4, Linear=True, previous_conv=True)
