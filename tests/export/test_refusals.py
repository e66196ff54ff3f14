"""What cannot be exported is refused by one error that names the module and says why."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import ExportError, InputError
from xnorkit.export import pack, verify
from xnorkit.format import Normalization, Preparation
from xnorkit.models import create_model
from xnorkit.nn import BConfig, BinaryConv2d, BinaryConvTranspose2d, Identity
from xnorkit.ops import (
    AdaBinInputBinarizer,
    BasicInputBinarizer,
    OutputProcess,
    SignWeightBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.runtime import Model

SHAPE = (3, 8, 8)
SIGNS = BConfig(BasicInputBinarizer, Identity, SignWeightBinarizer)


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Calls(nn.Module):
    def __init__(self, call) -> None:
        super().__init__()
        self.conv, self.call = nn.Conv2d(3, 4, 3), call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.conv(x))


class Halving(OutputProcess):
    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return y / 2


def configured(inputs: type, outputs: type = Identity) -> nn.Module:
    return nn.Sequential(BinaryConv2d(3, 2, 8, bconfig=BConfig(inputs, outputs, XNORWeightBinarizer)))


def first() -> nn.Module:
    return nn.Conv2d(3, 4, 3)


FLAT = "the sign turns where '.*' .* becomes flat, and PyTorch rounds its numbers there, but it must turn elsewhere"
TAILS = (
    (F.gelu, FLAT),
    (F.silu, FLAT),
    (lambda x: F.mish(x) * 3, FLAT),
    (lambda x: x * torch.sigmoid(x), FLAT),
    (lambda x: torch.sigmoid(2 * x) * x, FLAT),
    (lambda x: (x - 1) * torch.sigmoid(1.7 * x), FLAT),
    (lambda x: (x * torch.sigmoid(x)).clamp(max=3) + 0.0, FLAT),
    (lambda x: torch.sigmoid(8 * x) - 1, FLAT),
    (lambda x: torch.tanh(x) + 1, FLAT),
    (lambda x: 2 - torch.tanh(x) * 2, FLAT),
    (lambda x: F.max_pool2d(F.silu(x), 3, 1, 1), FLAT),
    (lambda x: F.silu(x) + F.relu(x), FLAT),
    (lambda x: torch.cat((x[:, :2], F.gelu(x)[:, :2]), 1), FLAT),
    (lambda x: F.avg_pool2d(F.gelu(x) + torch.tensor([0.0, 0.5, 0.5, 0.5])[:, None, None], 3, 1, 1), FLAT),
)
REFUSED = [
    (
        Branching,
        r"'item' lets the steps of the forward depend on the numbers of the image at line \d+ of "
        r"test_refusals\.py, `return x if x\.sum\(\) > 0 else -x`, but they must be the same",
    ),
    (
        lambda: Calls(lambda x: sum(x[:, c] for c in range(x.shape[1]))),
        r"'select' arranges the numbers of 'conv' \(4, 6, 6\) as \(6, 6\)",
    ),
    (
        lambda: nn.Sequential(first(), nn.ELU(), nn.Conv2d(4, 2, 6)),
        r"'1' \(ELU\) stays float and has no counterpart in float",
    ),
    (lambda: nn.Sequential(first(), nn.GELU("tanh"), nn.Conv2d(4, 2, 6)), r"'1' \(GELU\) stays float"),
    (lambda: nn.Sequential(first(), nn.BatchNorm2d(4, track_running_stats=False)), "'1' has no running statistics"),
    (lambda: nn.Sequential(first(), nn.LPPool2d(2, 2)), r"'1' \(LPPool2d\) has no counterpart"),
    (lambda: nn.Sequential(first(), nn.ConvTranspose2d(4, 2, 3)), "'1' is a ConvTranspose2d, but it must be"),
    (lambda: nn.Sequential(first(), BinaryConvTranspose2d(4, 2, 3)), "'1' is a BinaryConvTranspose2d, but it must be"),
    (lambda: nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 2, 3)), "'1' is a Conv3d, but it must be"),
    (lambda: nn.Sequential(first(), nn.AdaptiveAvgPool2d(4)), "'1' .* pools 6 x 6 to 4 x 4, but this must divide"),
    (lambda: nn.Sequential(first(), nn.AvgPool2d(2, divisor_override=3)), "'1': divisor_override=3"),
    (lambda: nn.Sequential(nn.ConstantPad2d(1, 0.5), first()), "'0' .* does not pad with zeros"),
    (lambda: nn.Sequential(first(), nn.PixelShuffle(2)), "'1' arranges the numbers of '0'"),
    (
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), BinaryConv2d(3, 2, 8)),
        "padding_mode='reflect'",
    ),
    (lambda: nn.Sequential(nn.Flatten(0)), "arranges the numbers of 'input'"),
    (lambda: nn.Sequential(first(), nn.Flatten(2), nn.ReLU()), "arranges the numbers of '0'"),
    (nn.Flatten, "flattened image of 8 x 8, but it must be"),
    (nn.Identity, "no convolution or linear layer"),
    (lambda: nn.Sequential(BinaryConv2d(4, 2, 8)), "does not run on one image of shape"),
    (lambda: configured(AdaBinInputBinarizer), r"'0' does not run on bits: activations: its values are beta - alpha"),
    (lambda: configured(nn.Hardtanh), "Hardtanh has no attribute `bit_reason`"),
    (lambda: configured(BasicInputBinarizer, Halving), r"'0': its output process Halving has no counterpart"),
    (lambda: BinaryConv2d(3, 2, 8), "a single BinaryConv2d, but it must be a network"),
    (lambda: nn.Sequential(BinaryConv2d(3, 2, 8)).double(), "is torch.float64, but it must be float32"),
    (lambda: Calls(lambda x: x.sort(1).values), "'sort' .* has no counterpart|sort"),
    (lambda: Calls(lambda x: x.mean()), "'mean' is a mean to"),
    (lambda: Calls(lambda x: x / x), "divides by"),
    (lambda: Calls(lambda x: torch.add(x, x, alpha=2)), "'add' has the option alpha=2"),
    (lambda: Calls(lambda x: torch.cat((x, x), 2)), "along dimension 2, but it must"),
    (lambda: Calls(lambda x: (x, x)), "returns a structure"),
    # Functions whose tails PyTorch rounds to 0 or 1, also as users write them.
    *((lambda call=call: huge(call), message) for call, message in TAILS),
    # Numbers for which no proof is possible: thresholds are sought among those that a batch norm cannot make infinite.
    (
        lambda: nn.Sequential(Calls(lambda x: x * 1e30 * 1e30), nn.Conv2d(4, 2, 6)),
        "'mul_1' of the trained model gives infinity or NaN",
    ),
    (lambda: huge(lambda x: (x * 1e30 * 1e30).clamp(0, 1) - x * 3e38 * 3e38), "'mul_1' of the trained model gives inf"),
    (lambda: huge(lambda x: ((x * 1e32).relu() + x.relu() * 1e32) - 1e31), "reads numbers up to .*e.32, but they must"),
    (lambda: named("two\nlines"), r"the module 'two\\nlines' has a name with characters that cannot be printed"),
]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: F.gelu(x) - 0.1,
        lambda x: F.gelu(x).relu() * 2 - 0.1,
        lambda x: torch.sigmoid(8 * x) - 0.9,
        lambda x: torch.tanh(x).clamp(0, 0.5) - 0.25,
        lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
        lambda x: x * torch.sigmoid(x) + 0.2,
        lambda x: x.sigmoid(),
        lambda x: (x * 2 + 0.1) * (x + 0.3),
        lambda x: x * F.hardsigmoid(x),
        lambda x: x * x.relu(),
        lambda x: x + F.gelu(x * 2),
        lambda x: F.max_pool2d(x, 3, 1, 1) + F.silu(x),
    ],
)
def test_signs_that_turn_beside_a_tail_are_packed(call) -> None:
    model = huge(call).eval()
    rows = np.random.default_rng(0).standard_normal((16, *SHAPE), dtype=np.float32) * 8
    assert verify(model, Model(pack(model, SHAPE)), rows).total_flips <= 2


def huge(call) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(Calls(call), BinaryConv2d(4, 2, 6, bconfig=SIGNS))


def named(name: str) -> nn.Module:
    model = nn.Sequential()
    model.add_module(name, BinaryConv2d(3, 2, 8))
    return model


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused(make, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        pack(make().eval(), SHAPE)


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(BinaryConv2d(3, 2, 8), nn.Dropout())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    pack(model.train(), SHAPE)
    assert model.training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_normalization_of_another_channel_count() -> None:
    with pytest.raises(ExportError, match="normalization has 1 channels, but it must have 3"):
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


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "normalization": ({"normalization": ((0.5,) * 3, (0.25,) * 3)}, "normalization is tuple, but it must be a Normal"),
    "preparation": ({"preparation": "bgr"}, "preparation is str, but it must be a Preparation or None"),
    "half": ({"half": "yes"}, "half is str, but it must be True or False"),
    "metadata": ({"metadata": [1]}, "metadata is list, but it must be a Mapping or None"),
    "mean image": (
        {"dynamic": True, "preparation": Preparation("bgr", mean_image=np.zeros(SHAPE, np.float32))},
        "the mean image is float32 .* for images .*, dynamic, but",
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_another_type(name: str) -> None:
    options, message = OPTIONS[name]
    with pytest.raises(ExportError, match=message):
        pack(network(), SHAPE, **options)


def test_an_unknown_option() -> None:
    with pytest.raises(TypeError, match="no option 'halve'; the options are name, normalization,"):
        pack(network(), SHAPE, halve=True)


def test_shapes_may_be_lists_and_integers_of_numpy() -> None:
    assert pack(network(), [3, np.int64(8), 8]).input.shape == SHAPE  # type: ignore[arg-type]


def test_what_verify_refuses() -> None:
    model, images = network(), torch.zeros(1, *SHAPE)
    graph = pack(model, SHAPE)
    with pytest.raises(InputError, match=r"the file is str, but it must be a Model or a Graph. Use xnorkit.load"):
        verify(model, "file.xnor", images)  # type: ignore[arg-type]
    for size in (0, -1, "4", 2.5):
        with pytest.raises(InputError, match=f"batch_size={size!r}, but it must be an integer of at least 1"):
            verify(model, graph, images, size)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="export is Graph, but it must be the result of export_model"):
        verify(model, graph, images, export=graph)  # type: ignore[arg-type]
    with pytest.raises(ExportError, match=r"The numbers in the file are not the model's. Pass the mo"):
        verify(network(), graph, images + 1)


def network(first: nn.Module | None = None) -> nn.Sequential:
    layer = BinaryConv2d(4, 4, 3, padding=1, bconfig=SIGNS)
    layers = first or nn.Conv2d(3, 4, 3, padding=1), layer, nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(4)
    made = nn.Sequential(*layers).eval()
    made(torch.zeros(1, *SHAPE))
    return made


class Doubled(BinaryConv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


def hooked(process: str, change: Any) -> nn.Module:
    model = network()
    getattr(model[1], process).register_forward_hook(lambda _module, _inputs, output: change(output))
    return model


HOOKS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "output process": (
        lambda: hooked("activation_post_process", lambda y: y * 2),
        "'1': a hook or a forward of its own changes",
    ),
    "zeros": (
        lambda: hooked("activation_pre_process", lambda y: y * 0),
        "'1': the activation binarizer Basic.* makes -?0",
    ),
    "own forward": (lambda: network(Doubled(3, 4, 3, padding=1, bconfig=SIGNS)), r"'0' \(Doubled\) has a forward or"),
    "meta": (lambda: network().to("meta"), "'0.weight' is on the meta device, but it must hold numbers"),
    "circular": (
        lambda: network(nn.Sequential(nn.CircularPad2d(1), nn.Conv2d(3, 4, 3))),
        "'.*' fills a tensor part by part",
    ),
    "depth": (lambda: nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 2, 3)), "Move the depth into the channels"),
}


@pytest.mark.parametrize("name", HOOKS)
def test_what_is_around_a_layer_is_refused_for_its_own_reason(name: str) -> None:
    make, message = HOOKS[name]
    with pytest.raises(ExportError, match=message) as raised:
        pack(make().eval(), SHAPE)
    assert "report" not in str(raised.value)


def test_hooks_and_attributes_that_users_set_are_followed() -> None:
    seen: list[Any] = []
    models = [network(), network(), network(), hooked("activation_pre_process", lambda y: -y)]
    models[0][0].register_forward_hook(lambda module, _, output: setattr(module, "feature", output))
    models[0][1].register_forward_hook(lambda module, _, output: setattr(module, "feature", output))
    for module in models[0].modules():
        module.register_forward_hook(lambda module, inputs, output: seen.append(output))
        module.register_forward_pre_hook(lambda module, inputs: None)
    models[1][0].padding, models[1][0].stride, models[1][0].dilation = 1, 1, 1
    models[2].to(memory_format=torch.channels_last)
    models[2] = nn.Sequential(*models[2][:3], Calls(lambda x: F.adaptive_avg_pool2d(x, 1)), nn.Flatten()).eval()
    models[2][3].conv = nn.Identity()
    for model in models:
        rows = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
        assert verify(model, Model(pack(model, SHAPE)), rows).predictions_equal == 4


def test_a_model_made_in_inference_mode() -> None:
    with torch.inference_mode():
        model = network()
    rows = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    assert verify(model, Model(pack(model, SHAPE)), rows).predictions_equal == 4


def test_no_module() -> None:
    with pytest.raises(ExportError, match="the model is NoneType, but it must be"):
        pack(None, SHAPE)


@pytest.mark.parametrize("name", ["block2.conv.weight", "block2.conv.bias", "block2.bn.running_var"])
def test_a_weight_that_is_not_finite_is_named(name: str) -> None:
    model = create_model("lenet5").eval()
    model.state_dict()[name].view(-1)[0] = torch.nan
    with pytest.raises(ExportError, match=f"'{name}' holds NaN or infinity"):
        pack(model, (1, 28, 28))
