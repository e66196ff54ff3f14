"""The figures of known models, and that looking at a model leaves it as it was."""

import copy
import dataclasses
import json
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

import xnorkit
from xnorkit.errors import InputError
from xnorkit.export import pack
from xnorkit.format import summarize
from xnorkit.inspection import LayerFigures, ModelSummary
from xnorkit.inspection.figures import NODE_BYTES
from xnorkit.models import create_model
from xnorkit.nn import BConfig, BinaryConv2d, BinaryConvTranspose2d, BinaryLinear, prepare_binary_model
from xnorkit.nn.quantize_model import quantize_first_last_
from xnorkit.ops import BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer

LENET = (1, 28, 28)


def rows(summary: ModelSummary) -> dict[str, LayerFigures]:
    return {layer.name: layer for layer in summary.layers}


def test_lenet5_agrees_with_the_packed_file() -> None:
    model = create_model("lenet5")
    summary, packed = xnorkit.summary(model, LENET), summarize(pack(model, LENET))
    assert summary.total.params == sum(p.numel() for p in model.parameters()) == 431_220
    assert summary.total.params_1bit == 425_000
    assert (summary.total.macs_1bit, summary.total.macs_32bit) == (packed.total.macs_1bit, packed.total.macs_32bit)
    assert summary.total.macs_8bit == summary.total.params_8bit == 0
    assert summary.total.float_bytes == 4 * (431_220 + 2 * (20 + 20 + 50))  # and the statistics of three batch norms
    weights = 20 * 25 * 4 + 50 * -(-20 * 25 // 8) + 500 * 100 + 500 * 10 * 4
    assert weights < summary.total.packed_bytes - 7 * NODE_BYTES < weights + 8000
    assert 0.98 * packed.total.packed_bytes < summary.total.packed_bytes < 1.02 * packed.total.packed_bytes
    layers = rows(summary)
    assert list(layers) == ["conv1", "bn1", "block2.bn", "block2.conv", "block3.bn", "block3.linear", "classifier"]
    assert {name for name, layer in layers.items() if layer.binary} == {"block2.conv", "block3.linear"}
    conv = layers["block2.conv"]
    assert (conv.input_shape, conv.output_shape, conv.bits, conv.reason) == ((20, 12, 12), (50, 8, 8), 1, "")
    assert (conv.params_1bit, conv.params_32bit, conv.macs_1bit) == (25_000, 50, 50 * 8 * 8 * 500)
    assert conv.bytes == 50 * 63 + 50 * 4 + 50 * 4  # 500 bits are 63 bytes; one scale and one bias per filter
    assert layers["conv1"].reason.startswith("first layer")
    assert layers["classifier"].reason.startswith("last layer")
    assert layers["block2.bn"].reason == "not a convolution or linear layer"


def test_eight_bit_ends() -> None:
    model = create_model("lenet5")
    quantize_first_last_(model, mean=[0.13], std=[0.31])
    summary = xnorkit.summary(model, LENET)
    assert (summary.total.params_8bit, summary.total.macs_8bit) == (500 + 5000, 288_000 + 5000)
    assert summary.total.macs_32bit == 0
    layer = rows(summary)["classifier"]
    assert (layer.bits, layer.binary, layer.reason) == (8, False, "8-bit integer layer")
    # Weights, scales, bias; the learned scale, its start and the zero point.
    assert layer.bytes == 5000 + 10 * 4 + 10 * 4 + 3 * 4
    assert model.classifier.input_quantizer.start == 0


def test_prepared_model_with_a_float_scale_behind_the_sums() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.Conv1d(36, 4, 1), nn.Linear(8, 2))
    model.insert(2, nn.Flatten(2))
    model.insert(3, Swap())
    config = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
    scaled = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)
    prepare_binary_model(
        model, config, custom_config_layers_name={"1": scaled}, ignore_layers_name=["_first_", "_last_"]
    )
    layers = rows(xnorkit.summary(model, (3, 8, 8)))
    layer = layers["1"]
    taps = 9 * 36 - 2 * 3 * 6 * 2 + 4
    assert "scale per channel" in model[1].bit_reason()
    assert (layer.binary, layer.reason, layer.bits, layer.params_1bit) == (True, "", 1, 8 * 72)
    assert (layer.macs_1bit, layer.macs_32bit) == (64 * taps, 0)
    assert layer.params == 8 * 72 + 8 + 8, "the learned scale belongs to the layer"
    assert (layers["4"].kind, layers["4"].binary, layers["4"].reason) == ("BinaryConv1d", True, "")
    assert not any(name.startswith("1.") for name in layers)


@pytest.mark.parametrize(
    ("binarization", "bits", "macs"),
    [("float", 32, (0, 2_000_000)), ("bwn", 1, (0, 2_000_000)), ("xnor-k", 1, (2_000_000, 0))],
)
def test_bits_of_the_two_factors(binarization: str, bits: int, macs: tuple[int, int]) -> None:
    layers = rows(xnorkit.summary(create_model("lenet5", binarization=binarization), LENET))
    conv, linear = layers["block2.conv"], layers["block3.linear"]
    assert (conv.bits, linear.bits) == (bits, bits)
    assert (conv.params_1bit, linear.params_1bit) == ((25_000, 400_000) if bits == 1 else (0, 0))
    assert (conv.macs_1bit + linear.macs_1bit, conv.macs_32bit + linear.macs_32bit) == macs
    assert conv.binary == (macs[0] > 0)
    assert conv.bytes == (50 * 63 + 50 * 4 if bits == 1 else 4 * 25_000) + 50 * 4
    if binarization == "bwn":
        assert conv.reason == "activations are not binarized"


def test_a_layer_without_a_kernel_on_bits_counts_as_float() -> None:
    model = nn.Sequential(nn.Conv2d(2, 4, 1), BinaryConvTranspose2d(4, 4, 3, stride=3), nn.Conv2d(4, 2, 1))
    layer = rows(xnorkit.summary(model, (2, 5, 5)))["1"]
    assert (layer.binary, layer.bits, layer.params_1bit, layer.macs_32bit) == (False, 32, 0, 144 * 25)
    assert layer.reason == "BinaryConvTranspose2d has no kernel on bits"


class Swap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class Tangle(nn.Module):
    """Branches, a layer used twice, a tied weight, an unused layer, a parameter of its own, keyword arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 1)
        self.shared = BinaryConv2d(4, 4, 3, padding=1, bias=False)
        self.alias = self.shared
        self.tied = BinaryConv2d(4, 4, 3, padding=1, bias=False)
        self.tied.weight = self.shared.weight
        self.unused = nn.Linear(3, 3)
        self.middle = nn.Conv2d(4, 4, 1)
        self.head = nn.Linear(4, 2)
        self.gain = nn.Parameter(torch.ones(5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.shared(x) + self.tied(self.alias(x))
        return self.head(self.middle(input=x).mean((2, 3))) * self.gain[0]


def test_branches_and_shared_modules() -> None:
    model = Tangle()
    summary = xnorkit.summary(model, (2, 5, 5), name="tangle")
    layers = rows(summary)
    taps = 9 * 25 - 2 * 3 * 5 * 2 + 4  # rows and columns that the border cuts off, corners counted twice
    assert summary.name == "tangle"
    assert (layers["shared"].calls, layers["shared"].macs_1bit) == (2, 2 * 16 * taps)
    assert layers["shared"].params == 16 * 9
    assert list(layers) == ["stem", "shared", "tied", "middle", "head", "", "unused"]
    assert (layers["tied"].calls, layers["tied"].macs_1bit, layers["tied"].params) == (1, 16 * taps, 0)
    assert (layers["tied"].bytes, layers["tied"].float_bytes) == (0, 0)
    unused = layers["unused"]
    assert (unused.calls, unused.input_shape, unused.macs_32bit) == (0, None, 0)
    assert unused.reason == "not called in forward"
    assert layers["middle"].reason == "a Conv2d with float weights; prepare_binary_model makes it binary"
    assert (layers[""].params, layers[""].kind) == (5, "Tangle")
    assert summary.total.params == sum(p.numel() for p in model.parameters())


class Restless(nn.Module):
    """Changes a buffer, puts another one in the place of a second, and draws random numbers, in evaluation too."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.bn = nn.BatchNorm1d(3)
        self.register_buffer("steps", torch.zeros(1))
        self.register_buffer("state", torch.zeros(2))
        self.modes: list[bool] = []

    def train(self, mode: bool = True) -> "Restless":
        super().train(mode)
        self.bn.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        self.steps += 1
        self.state = torch.rand(2)
        return self.bn(self.fc(x))


def test_the_model_is_left_as_it_was() -> None:
    model = Restless().train()
    model.fc.eval()
    model.fc.register_forward_hook(lambda *_: None)
    modes = [m.training for m in model.modules()]
    hooks = [list(m._forward_hooks.items()) for m in model.modules()]
    state, objects = copy.deepcopy(model.state_dict()), [id(t) for t in model.state_dict(keep_vars=True).values()]
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    xnorkit.summary(model, (3,))
    assert torch.rand(1) == expected
    assert model.modes == [False], "evaluated once, in evaluation mode"
    assert [m.training for m in model.modules()] == modes
    assert [list(m._forward_hooks.items()) for m in model.modules()] == hooks
    assert [id(t) for t in model.state_dict(keep_vars=True).values()] == objects
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name])
    assert all(p.grad is None for p in model.parameters())


def test_a_failing_model_is_an_error_and_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Linear(5, 2)).train()
    with pytest.raises(InputError, match=r"Sequential does not run on one input of zeros of shape \(3, 8, 8\)"):
        xnorkit.summary(model, (3, 8, 8))
    assert all(m.training and not m._forward_hooks for m in model.modules())
    with pytest.raises(InputError, match="positive integers"):
        xnorkit.summary(model, (3, 0, 8))
    with pytest.raises(InputError, match="positive integers"):
        xnorkit.summary(model, ())


class Residual(nn.Module):
    """The block of one's own network: batch norm, binary convolution, PReLU, shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.act = nn.BatchNorm2d(channels), nn.PReLU(channels)
        self.conv = BinaryConv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(self.norm(x))) + x


@pytest.mark.parametrize(("channels", "blocks"), [(8, 3), (16, 4), (64, 2)])
def test_the_estimate_of_small_networks_counts_the_graph(channels: int, blocks: int) -> None:
    torch.manual_seed(0)
    body = [Residual(channels) for _ in range(blocks)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    model = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), *body, *head).eval()
    estimate = xnorkit.summary(model, (3, 8, 8)).total.packed_bytes
    file = summarize(pack(model, (3, 8, 8))).total.packed_bytes
    assert 0.97 * file < estimate < 1.08 * file


def test_other_precision_and_no_parameters() -> None:
    summary = xnorkit.summary(nn.Sequential(BinaryLinear(16, 4)).double(), (16,))
    assert (summary.total.float_bytes, summary.total.packed_bytes) == (8 * 68, 4 * 2 + 4 * 4 + 8 * 4 + NODE_BYTES)
    empty = xnorkit.summary(nn.ReLU(), (3,))
    assert empty.layers == ()
    assert "ReLU" in str(empty)


def test_json_and_table() -> None:
    summary = xnorkit.summary(Tangle(), (2, 5, 5))
    document = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert set(document) == {"name", "input_shape", "layers", "macs_functions", "total", "packed_bytes_is"}
    assert {"name", "kind", "binary", "reason", "bits", "params", "macs_1bit", "macs_32bit", "bytes"} <= set(
        document["layers"][0]
    )
    assert {"packed_bytes", "float_bytes", "params", "macs_1bit", "macs_32bit"} <= set(document["total"])
    assert document["layers"][1]["input_shape"] == [4, 5, 5]
    text = str(summary)
    for part in (
        "Tangle: input 2 x 5 x 5",
        "shared (2 calls)",
        "(model)",
        "not called in forward",
        "times as much",
        "an estimate",
    ):
        assert part in text
    assert f"{summary.total.packed_bytes:,}" in text


def test_the_table_fits_80_columns_and_tells_the_file_size() -> None:
    summary = xnorkit.summary(create_model("resnet18-cifar10"), (3, 32, 32))
    table = str(summary).partition("MACs      ")[0]
    assert "473,866,240" not in table, "1-bit and 32-bit work are told apart below"
    assert max(map(len, str(summary).splitlines())) <= 80
    assert "and 17 more: not a convolution" in str(summary)
    exact = dataclasses.replace(summary, file_bytes=1234)
    assert exact.total.packed_bytes == 1234
    assert "size of the exported file" in str(exact)
    refused = str(dataclasses.replace(summary, not_packable="joins"))
    assert "cannot be packed yet: joins" in " ".join(refused.split())
    assert max(map(len, refused.splitlines())) <= 80


def test_no_table_is_loaded_before_it_is_shown() -> None:
    code = (
        "import sys, torch, xnorkit; "
        "t = xnorkit.summary(torch.nn.Linear(4, 2), (4,)); assert 'rich' not in sys.modules; print(t.total.params)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "10"


def test_signs_that_are_all_one_are_noted() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), BinaryConv2d(8, 8, 3), nn.ReLU6())
    model.append(BinaryConv2d(8, 8, 1))
    summary = xnorkit.summary(model, (3, 12, 12))
    warned = {layer.name: layer.warning for layer in summary.layers if layer.warning}
    assert warned == {
        "3": "all signs are +1, the input is never negative: ReLU '1'",
        "5": "all signs are +1, the input is never negative: ReLU6 '4'",
    }
    assert "warnings:\n  3: all signs are +1, the input is never negative: ReLU '1'\n  5: " in str(summary)
    assert summary.to_json()["layers"][1]["warning"] == warned["3"]
    assert "warnings" not in str(xnorkit.summary(create_model("lenet5"), LENET))


@pytest.mark.parametrize(
    ("name", "giga", "tolerance"), [("vit_b_16", 17.6, 0.01), ("resnet50", 4.1, 0.04), ("mobilenet_v2", 0.3, 0.06)]
)
def test_multiply_adds_are_those_of_pytorch(name: str, giga: float, tolerance: float) -> None:
    """Up to the taps that read padding, which FlopCounterMode counts and the summary does not."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from xnorkit.data import repair_torchvision

    repair_torchvision()
    torchvision = pytest.importorskip("torchvision")

    model = getattr(torchvision.models, name)(weights=None).eval()
    found = xnorkit.summary(model, (3, 224, 224)).total
    work = found.macs_1bit + found.macs_8bit + found.macs_32bit
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 3, 224, 224))
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    reference = counter.get_total_flops() / 2
    assert reference * (1 - tolerance) <= work <= reference
    assert reference == pytest.approx(giga * 1e9, rel=0.02)


def test_functions_are_counted_and_the_table_fits_eighty_columns() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(8, 3, 1, 1))
            self.layer = nn.Linear(8, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(nn.functional.conv2d(x, self.weight).mean((2, 3)))

    found = xnorkit.summary(Functional(), (3, 4, 4))
    assert found.macs_functions == 8 * 3 * 16
    assert found.total.macs_32bit == 8 * 3 * 16 + 40
    assert "| (functions) | - | 32 | 0 | 384 | 0 |" in found.to_markdown()
    assert "| layer | 5 | 32 | 45 | 40 |" in found.to_markdown()
    table = str(xnorkit.summary(create_model("resnet18"), (3, 224, 224))).split("\nMACs ")[0]
    assert max(map(len, table.splitlines())) <= 80
