"""Functional calls, views, sums and pools as users write them: all give the trained model's numbers."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from differential import unproved
from torch import Tensor, nn

from xnorkit.data import repair_torchvision
from xnorkit.errors import ExportError
from xnorkit.export import explain, export_model, interpret, verify
from xnorkit.nn import BConfig, BinaryConv1d, BinaryConv2d, BinaryLinear, RSign, quantize_first_last_
from xnorkit.ops import BasicInputBinarizer, XNORScaleBinarizer, XNORWeightBinarizer
from xnorkit.runtime import Model

SHAPE = (3, 8, 8)
K_MAP = BConfig(BasicInputBinarizer, XNORScaleBinarizer, XNORWeightBinarizer)


class Idiom(nn.Module):
    """A float convolution to 6 channels, a call, a binary convolution, the mean, a linear layer."""

    def __init__(self, call, channels: int = 6) -> None:
        super().__init__()
        self.conv, self.binary, self.call = nn.Conv2d(3, 6, 3, padding=1), BinaryConv2d(channels, 12, 3), call
        self.scale, self.fc = nn.Parameter(torch.randn(6, 1, 1)), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.binary(self.call(self, self.conv(x)) - 0.1)
        return self.fc(y.mean((2, 3)))


def shuffle(_: nn.Module, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def squeeze_and_excite(_: nn.Module, x: Tensor) -> Tensor:
    return x * torch.sigmoid(F.adaptive_avg_pool2d(x, 1))


def halves(_: nn.Module, x: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=1)
    return torch.cat((b, F.relu(a), x[:, 1:3]), dim=1)


CALLS = {
    "relu": (lambda _, x: F.relu(x, inplace=True), 6),
    "scaled": (lambda m, x: x * m.scale + 0.5, 6),
    "divided": (lambda m, x: -(x / 3).clamp(-0.2, 0.4), 6),
    "max_pool": (lambda _, x: F.max_pool2d(x, 2, stride=1, padding=1), 6),
    "dilated max_pool": (lambda _, x: F.max_pool2d(x, 2, 1, 0, 2), 6),
    "avg_pool": (lambda _, x: F.avg_pool2d(x, 3, 2, ceil_mode=True), 6),
    "adaptive": (lambda _, x: F.adaptive_avg_pool2d(x, 4), 6),
    "shuffle": (shuffle, 6),
    "halves": (halves, 8),
    "squeeze": (squeeze_and_excite, 6),
    "strided and padded": (lambda _, x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2)), 9),
    "residual": (lambda _, x: (x + F.hardtanh(x)) * 0.5, 6),
    "silu": (lambda _, x: F.silu(x), 6),
    "prelu": (lambda m, x: F.prelu(x, m.scale.flatten()), 6),
    "softmax": (lambda _, x: x.softmax(1), 6),
    "flatten and back": (lambda _, x: x.flatten(1).view(x.size(0), 6, 8, 8), 6),
}


def prove(model: nn.Module, shape: tuple[int, int, int] = SHAPE, **options):
    export = export_model(model.eval(), shape, **options)
    images = np.random.default_rng(0).standard_normal((3, *shape), dtype=np.float32)
    packed = Model(export.graph)
    proof = verify(model, packed, images)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
    assert proof.predictions_equal == 3
    expected = interpret(export.graph, images)[export.graph.output].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(packed(images).reshape(expected.shape), expected, atol=1e-4)
    return export, proof


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    torch.manual_seed(1)
    call, channels = CALLS[name]
    export, _ = prove(Idiom(call, channels))
    assert "binary_conv2d" in {node.op for node in export.graph.nodes}


def test_two_readers_of_one_sign_share_the_packed_bits() -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn, self.a, self.b = nn.BatchNorm2d(3), BinaryConv2d(3, 4, 3), BinaryConv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.bn(x)
            return self.a(x) + self.b(x)

    export, _ = prove(Twins())
    assert [node.op for node in export.graph.nodes].count("pack") == 1
    assert "computed once for several readers" in explain(export)


def test_one_dimension() -> None:
    class Sequence1d(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bn = nn.Conv1d(3, 8, 3, padding=1), nn.BatchNorm1d(8)
            self.binary = BinaryConv1d(8, 16, 5, 2, 2, bconfig=K_MAP)
            self.pool, self.fc = nn.MaxPool1d(2), BinaryLinear(16 * 4, 5)

        def forward(self, x: Tensor) -> Tensor:
            y = self.pool(self.binary(self.bn(self.conv(x[:, :, 0]))))
            return self.fc(y.flatten(1))

    prove(Sequence1d(), (3, 2, 16))
    model = Sequence1d()
    prove(nn.Sequential(nn.Flatten(2), Unsqueezed(model)), (3, 1, 16))


class Unsqueezed(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.conv, self.bn, self.binary, self.pool, self.fc = (
            getattr(model, name) for name in ("conv", "bn", "binary", "pool", "fc")
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.binary(self.bn(self.conv(x)))).flatten(1))


def test_a_chain_that_turns_around_stays_float_up_to_there() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(BinaryConv2d(3, 4, 3), nn.PReLU(init=-0.5), nn.BatchNorm2d(4), BinaryConv2d(4, 2, 6))
    model[2].running_mean.fill_(0.05)
    export, _ = prove(model)
    assert {node.name: node.op for node in export.graph.nodes}["3.sign"] == "pack"
    assert "changes 2 times" in explain(export)


def test_a_sign_as_a_module_of_its_own() -> None:
    torch.manual_seed(0)
    first = nn.Conv2d(3, 5, 3)
    shift = RSign(nn.Conv2d(5, 5, 1))
    nn.init.normal_(shift.bias)
    export, _ = prove(nn.Sequential(first, shift, BinaryConv2d(5, 4, 6)))
    assert [node.op for node in export.graph.nodes] == ["float_conv2d", "pack", "binary_conv2d"]


def test_pool_in_front_of_positions_stays_in_front() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        BinaryConv2d(3, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.BatchNorm1d(36), BinaryLinear(36, 2)
    ).eval()
    nn.init.normal_(model[3].running_mean)
    export, _ = prove(model)
    assert "max_pool" in {node.op for node in export.graph.nodes}
    assert next(n for n in export.graph.nodes if n.name == "4.sign").tensors["threshold"].shape == (3, 3, 4)


def eight_bit(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 7, 3, padding=1),
        nn.BatchNorm2d(7),
        BinaryConv2d(7, 9, 3),
        nn.BatchNorm2d(9),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(9 * 36, 5),
    )
    nn.init.normal_(model[1].bias)
    quantize_first_last_(model, mean=[0.5, 0.4, 0.3], std=[0.2, 0.25, 0.3])
    model.train()(torch.randn(8, *SHAPE))
    return model.eval()


def test_eight_bit_ends_are_equal_end_to_end() -> None:
    export, proof = prove(eight_bit())
    assert export.graph.input.kind == "u8"
    ops = [node.op for node in export.graph.nodes]
    assert ops[0] == "int8_conv2d"
    assert "quantize_u8" in ops
    assert ops[-1] == "int8_linear"
    assert proof.total_flips == 0
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SHAPE), dtype=np.uint8)
    model = eight_bit()
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in ([0.5, 0.4, 0.3], [0.2, 0.25, 0.3]))
    floats = (torch.from_numpy(pixels) / 255 - mean) / std
    with torch.no_grad():
        assert np.allclose(Model(export.graph)(pixels), model(floats), atol=1e-5)


def test_half_is_proved_against_rounded_weights() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), BinaryConv2d(6, 8, 6), nn.Flatten(), nn.Linear(8, 4))
    export, proof = prove(model, half=True)
    assert proof.half
    nodes = {node.name: node for node in export.graph.nodes}
    assert nodes["0"].tensors["weight"].dtype == np.float16
    assert nodes["4"].tensors["weight"].dtype == np.float16
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] = 1e6
    with pytest.raises(Exception, match=r"'0.weight' holds numbers above 65504"):
        export_model(model, SHAPE, half=True)


def test_dynamic_size() -> None:
    torch.manual_seed(0)
    model = Idiom(lambda _, x: F.relu(x)).eval()
    graph = export_model(model, SHAPE, dynamic=True).graph
    assert graph.input.dynamic
    images = torch.randn(2, 3, 13, 9)
    with torch.no_grad():
        np.testing.assert_allclose(Model(graph)(images), model(images), atol=1e-5)
    for packed in (Model(graph), graph):
        proof = verify(model, packed, images)
        assert (proof.predictions_equal, proof.total_flips) == (2, 0)
        assert not unproved(proof, graph)
    fixed = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(72, 3))
    with pytest.raises(Exception, match=r"'2' \(float_linear\) is made for 6 x 6"):
        export_model(fixed, SHAPE, dynamic=True)


@pytest.mark.parametrize("limit", [8, 12, 16, 20])
def test_steps_that_depend_on_the_size_are_refused(limit: int) -> None:
    """By `pack` if it tries such a size, and else by `verify` with images of it."""
    model = Idiom(lambda _, x: F.max_pool2d(F.relu(x), 2) if x.shape[2] > limit else F.relu(x)).eval()
    images = torch.randn(2, 3, 32, 17)
    with pytest.raises(ExportError, match="may depend on the size of the image"):
        verify(model, Model(export_model(model, SHAPE, dynamic=True).graph), images)


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        (nn.AdaptiveAvgPool2d(2), r"'1' \(AdaptiveAvgPool2d\) has a different window for each image size"),
        (nn.AdaptiveMaxPool2d(1), r"'1' \(AdaptiveMaxPool2d\) has a different window for each image size"),
        (nn.MaxPool2d(2, ceil_mode=True), r"'1' \(MaxPool2d\) has ceil_mode=True"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_pools_made_for_one_size_are_refused(pool: nn.Module, reason: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3), pool, nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    assert not export_model(model, SHAPE).graph.input.dynamic
    with pytest.raises(Exception, match=reason):
        export_model(model, SHAPE, dynamic=True)


def test_average_pools_with_ceil_mode_take_any_size() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AvgPool2d(2, ceil_mode=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    graph = export_model(model, SHAPE, dynamic=True).graph
    for size in ((9, 8), (12, 13)):
        images = torch.randn(2, 3, *size)
        with torch.no_grad():
            np.testing.assert_allclose(Model(graph)(images), model(images), atol=1e-5)


class DropPath(nn.Module):
    """Stochastic depth as users and timm write it."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if self.rate == 0.0 or not self.training:
            return x
        keep = 1 - self.rate
        return x * x.new_empty(x.shape[0], *(1,) * (x.dim() - 1)).bernoulli_(keep) / keep


IDENTITIES = [
    nn.Identity,
    *(partial(kind, 0.5) for kind in (DropPath, nn.Dropout, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout)),
    partial(nn.Dropout, 0.5, inplace=True),
    partial(nn.Dropout2d, 0.5, inplace=True),
]


@pytest.mark.parametrize("make", IDENTITIES)
def test_layers_that_are_the_identity_in_evaluation_leave_nothing_in_the_file(make) -> None:
    torch.manual_seed(1)
    layer = make()
    model = nn.Sequential(nn.Conv2d(3, 6, 3), layer, nn.BatchNorm2d(6), BinaryConv2d(6, 12, 6), layer, nn.Flatten())
    bare = nn.Sequential(*(module for module in model if module is not layer))
    (export, _), (expected, _) = prove(model), prove(bare)
    assert [node.op for node in export.graph.nodes] == [node.op for node in expected.graph.nodes]


def test_stochastic_depth_of_torchvision_is_the_identity() -> None:
    repair_torchvision()
    ops = pytest.importorskip("torchvision", reason="torchvision is not installed").ops

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.BatchNorm2d(6), BinaryConv2d(6, 6, 3, padding=1))
            self.depth = ops.StochasticDepth(0.5, "row")

        def forward(self, x: Tensor) -> Tensor:
            return ops.stochastic_depth(self.depth(self.body(x)), 0.5, "batch", training=self.training) + x

    torch.manual_seed(1)
    export, _ = prove(nn.Sequential(nn.Conv2d(3, 6, 3), Block(), nn.Flatten(), nn.Linear(216, 4)))
    assert [node.op for node in export.graph.nodes].count("add") == 1
