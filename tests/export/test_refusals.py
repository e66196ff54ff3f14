"""What cannot be exported is refused by one error that names the module and says why."""

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import ExportError
from xnorkit.export import pack
from xnorkit.format import Normalization
from xnorkit.models import create_model
from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, Identity
from xnorkit.ops import AdaBinInputBinarizer, BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer

SHAPE = (3, 8, 8)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = BinaryConv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift


def configured(inputs: type, outputs: type = Identity) -> nn.Module:
    return nn.Sequential(BinaryConv2d(3, 2, 8, bconfig=BConfig(inputs, outputs, XNORWeightBinarizer)))


def first() -> nn.Module:
    return nn.Conv2d(3, 4, 3)


REFUSED = [
    (Residual, r"'add' takes \['x', 'conv'\].*branches or joins"),
    (Branching, "Branching cannot be traced"),
    (Constant, "'shift': a parameter or buffer is used directly"),
    (lambda: nn.Sequential(first(), nn.AvgPool2d(2)), r"'1' \(AvgPool2d\) has no counterpart"),
    (
        lambda: nn.Sequential(first(), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 6)),
        r"'1' \(BatchNorm2d\) stands between '0' and '2'",
    ),
    (
        lambda: nn.Sequential(BinaryConv2d(3, 4, 8), nn.Tanh()),
        r"'1' \(Tanh\) stands between '0' and the model's output",
    ),
    (
        lambda: nn.Sequential(first(), nn.GELU(), BinaryConv2d(4, 2, 6)),
        r"'1' \(GELU\) stands between the float value of '0'",
    ),
    (lambda: nn.Sequential(first(), nn.PReLU(init=-0.1), BinaryConv2d(4, 2, 6)), "slopes >= 0"),
    (
        lambda: nn.Sequential(first(), nn.BatchNorm2d(4, track_running_stats=False), BinaryConv2d(4, 2, 6)),
        "no running statistics",
    ),
    (lambda: nn.Sequential(first(), nn.MaxPool2d(2, dilation=2), BinaryConv2d(4, 2, 2)), r"'1' has dilation=2"),
    (lambda: nn.Sequential(nn.Conv2d(3, 3, 3, groups=3), BinaryConv2d(3, 2, 6)), r"'0' has groups=3"),
    (
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), BinaryConv2d(3, 2, 8)),
        "padding_mode='reflect'",
    ),
    (
        lambda: nn.Sequential(
            BinaryConv2d(3, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.BatchNorm1d(36), BinaryLinear(36, 2)
        ),
        r"'1' pools in front of '3', which treats every position",
    ),
    (lambda: nn.Sequential(BinaryConv2d(3, 4, 3)), "the output of '0' is 6 x 6"),
    (lambda: nn.Sequential(nn.Flatten(0)), "flattens"),
    (lambda: nn.Sequential(nn.ReLU()), r"'0' \(ReLU\) stands between 'input'"),
    (nn.Flatten, "no convolution or linear layer"),
    (lambda: nn.Sequential(BinaryConv2d(4, 2, 8)), "does not run on one image of shape"),
    (lambda: configured(AdaBinInputBinarizer), r"'0' does not run on bits: activations: its values are beta - alpha"),
    (lambda: configured(BasicInputBinarizer, BasicScaleBinarizer), r"'0' does not run on bits: output: "),
    (lambda: configured(nn.Identity), "activations are not binarized"),
    (lambda: configured(nn.Hardtanh), "Hardtanh has no attribute `bit_reason`"),
    (lambda: BinaryConv2d(3, 2, 8), "a single BinaryConv2d; required: a network"),
    (lambda: nn.Sequential(BinaryConv2d(3, 2, 8)).double(), "is torch.float64; required: float32"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused(make, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        pack(make().eval(), SHAPE)


def test_negative_prelu_between_binary_layers_is_named() -> None:
    model = nn.Sequential(BinaryConv2d(3, 4, 3), nn.PReLU(init=-0.5), nn.BatchNorm2d(4), BinaryConv2d(4, 2, 6)).eval()
    model[2].running_mean.fill_(0.05)
    with pytest.raises(ExportError, match="behind '0' changes 2 times"):
        pack(model, SHAPE)


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(BinaryConv2d(3, 2, 8), nn.Dropout())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    pack(model.train(), SHAPE)
    assert model.training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_normalization_of_another_channel_count() -> None:
    with pytest.raises(ExportError, match="normalization for 1 channels; required: 3"):
        pack(nn.Sequential(BinaryConv2d(3, 2, 8)), SHAPE, normalization=Normalization((0.5,), (0.5,)))


@pytest.mark.parametrize("shape", [(28, 28), (1, 1, 28, 28), (1, 0, 28), (1.0, 28, 28)])
def test_input_shape_is_three_positive_integers(shape) -> None:
    with pytest.raises(ExportError, match="three positive integers"):
        pack(create_model("lenet5"), shape)


@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 10, 10)])
def test_a_shape_that_the_model_does_not_take_is_one_line(shape, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportError, match="does not run on one image of shape") as raised:
        pack(create_model("lenet5"), shape)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr().err == ""


def test_no_module() -> None:
    with pytest.raises(ExportError, match="the model is NoneType; required"):
        pack(None, SHAPE)


@pytest.mark.parametrize("name", ["block2.conv.weight", "block2.conv.bias", "block2.bn.running_var"])
def test_a_weight_that_is_not_finite_is_named(name: str) -> None:
    model = create_model("lenet5").eval()
    model.state_dict()[name].view(-1)[0] = torch.nan
    with pytest.raises(ExportError, match=f"'{name}' holds NaN or infinity"):
        pack(model, (1, 28, 28))
