"""Activations 0 and 1: trained forward against the packed program, at borders, in groups, behind pools and in sums."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import randomize_
from torch import Tensor, nn

from xnorkit import _engine
from xnorkit.export import pack, verify
from xnorkit.format import Graph
from xnorkit.models.dropped_signs import dropped_signs
from xnorkit.nn import BConfig, BinaryConv1d, BinaryConv2d, BinaryLinear
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    LearnableScaleWeightBinarizer,
    SignWeightBinarizer,
    SteHeavisideBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.runtime import Model
from xnorkit.targets.c import write_c

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning"),
    pytest.mark.filterwarnings("ignore::xnorkit.errors.BinarizationWarning"),  # some have dead signs
]


ZERO_ONE = BConfig(SteHeavisideBinarizer, weight_pre_process=XNORWeightBinarizer)
SIGN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
LEARNED = BConfig(SteHeavisideBinarizer, BasicScaleBinarizer, LearnableScaleWeightBinarizer)
PLAIN = BConfig(SteHeavisideBinarizer, weight_pre_process=SignWeightBinarizer)
WITH_K = BConfig(SteHeavisideBinarizer, XNORScaleBinarizer, XNORWeightBinarizer)
DROPPED = BConfig(
    lambda layer: dropped_signs(layer, SteHeavisideBinarizer, 0.5), weight_pre_process=XNORWeightBinarizer
)


# channels in and out, kernel, and options of the convolution: windows that reach over borders, and do not.
GEOMETRIES: list[tuple[int, int, int | tuple[int, int], dict[str, object]]] = [
    (1, 1, 1, {}),
    (3, 5, 3, {"padding": 1}),
    (8, 33, 3, {"padding": 2, "stride": 2}),
    (31, 7, (1, 3), {"padding": (0, 2)}),
    (33, 65, (3, 2), {"padding": (2, 1), "stride": (1, 2), "dilation": (2, 1)}),
    (40, 12, 3, {"padding": 1, "groups": 4}),
    (36, 36, 3, {"padding": 1, "groups": 36}),
    (6, 9, 5, {"padding": 2, "groups": 3, "stride": 3}),
    (5, 4, 2, {"padding": "same"}),
    (64, 64, 3, {"padding": 1, "bias": False}),
    (70, 10, 3, {"padding": 3, "dilation": 3, "scale": False}),
]


def stem(channels: int) -> list[nn.Module]:
    """An image of `channels`, 0 or above; about half of it 0."""
    return [nn.Conv2d(3, channels, 1), nn.ReLU()]


def with_geometry(index: int, config: BConfig) -> nn.Module:
    channels, out, kernel, options = GEOMETRIES[index]
    first = BinaryConv2d(channels, out, kernel, bconfig=config, **options)  # type: ignore[arg-type]
    second = BinaryConv2d(out, 6, 3, padding=1, bconfig=config)
    return nn.Sequential(*stem(channels), first, nn.BatchNorm2d(out), nn.ReLU(), second, nn.ReLU())


def pooled() -> nn.Module:
    """Max-pools between two layers move onto the bits, in front of the padding."""
    return nn.Sequential(
        *stem(9),
        BinaryConv2d(9, 20, 3, padding=1, bconfig=ZERO_ONE),
        nn.BatchNorm2d(20),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
        BinaryConv2d(20, 20, 3, padding=1, bconfig=ZERO_ONE),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(20),
        BinaryConv2d(20, 4, 1, padding=1, bconfig=ZERO_ONE),
    )


def flat() -> nn.Module:
    """Linear layers; the batch norm behind the flatten treats every position on its own."""
    return nn.Sequential(
        *stem(5),
        BinaryConv2d(5, 9, 3, bconfig=ZERO_ONE),
        nn.ReLU(),
        nn.Flatten(),
        nn.BatchNorm1d(9 * 7 * 5),
        nn.ReLU(),
        BinaryLinear(9 * 7 * 5, 33, bconfig=ZERO_ONE),
        nn.BatchNorm1d(33),
        nn.ReLU(),
        BinaryLinear(33, 40, bias=False, bconfig=LEARNED),
        nn.PReLU(),
        BinaryLinear(40, 5, bconfig=PLAIN),
    )


class Residual(nn.Module):
    """Sums in front of ReLUs, as in a ResNet; one value is read by a sign and by activations 0 and 1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*stem(12), nn.BatchNorm2d(12), nn.ReLU())
        self.a = BinaryConv2d(12, 12, 3, padding=1, bias=False, bconfig=ZERO_ONE)
        self.b = BinaryConv2d(12, 12, 3, padding=1, bias=False, bconfig=ZERO_ONE)
        self.bn1, self.bn2 = nn.BatchNorm2d(12), nn.BatchNorm2d(12)
        self.down = BinaryConv2d(12, 20, 1, stride=2, bconfig=ZERO_ONE)
        self.c = BinaryConv2d(12, 20, 3, stride=2, padding=1, bconfig=SIGN)
        self.fc = nn.Linear(20, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = F.relu(self.bn1(self.a(x)))
        x = F.relu(self.bn2(self.b(y)) + x)
        return self.fc((self.c(x - 0.5) + self.down(x)).mean((2, 3)))


class Line(nn.Module):
    """One axis."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 10, 1)
        self.a = BinaryConv1d(10, 17, 4, padding=3, stride=2, dilation=2, bconfig=ZERO_ONE)
        self.norm = nn.BatchNorm1d(17)
        self.b = BinaryConv1d(17, 8, 2, padding="same", bconfig=LEARNED)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.norm(self.a(self.conv(x.squeeze(2)).relu())).relu()).mean(2)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    **{
        f"geometry {i}": lambda i=i: with_geometry(i, (ZERO_ONE, LEARNED, PLAIN)[i % 3]) for i in range(len(GEOMETRIES))
    },
    "pooled": pooled,
    "flat": flat,
    "residual": Residual,
    "line": Line,
    "map K": lambda: with_geometry(5, WITH_K),
    "dropped": lambda: with_geometry(1, DROPPED),
}
SHAPE = (3, 9, 7)
ONE_ROW = (3, 1, 63)


def shape_of(name: str) -> tuple[int, int, int]:
    return ONE_ROW if name == "line" else SHAPE


def trained(name: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return randomize_(NETWORKS[name](), seed)


def images(name: str, count: int = 9, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, *shape_of(name)), dtype=np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_deployed_equals_trained(name: str) -> None:
    for seed in range(3):
        model = trained(name, seed)
        graph = pack(model, shape_of(name))
        machines: list[Model | Graph] = [graph, *(Model(graph, isa=isa, threads=2) for isa in _engine.isas())]
        for machine in machines:
            proof = verify(model, machine, images(name, seed=seed), batch_size=4)
            assert proof.binary_outputs_equal
            assert proof.floats_within_bound
            assert proof.total_flips == 0
            assert proof.predictions_equal == 9
            assert sum(layer.integers for layer in proof.layers) > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_multiply_with_0_and_1(name: str) -> None:
    """Against the definition in plain torch: the sum of the weights' signs over the valid taps where x > 0."""
    model = trained(name)
    seen = 0

    def check(layer: nn.Module, args: tuple[Tensor], y: Tensor) -> None:
        nonlocal seen
        (x,), w, b = args, torch.where(layer.weight < 0, -1.0, 1.0), layer.bias
        active = (x > 0).float()
        if isinstance(layer, BinaryLinear):
            dot = F.linear(active, w)
        else:
            convolve = F.conv1d if isinstance(layer, BinaryConv1d) else F.conv2d
            dot = convolve(active, w, None, layer.stride, layer.padding, layer.dilation, layer.groups)
        assert torch.equal(dot, dot.round())
        shape = (-1, *(1,) * layer.SPATIAL_DIMS)
        wanted = dot * layer.alpha().reshape(shape)
        wanted = wanted if b is None else wanted + b.reshape(shape)
        assert torch.equal(y, layer.activation_post_process(wanted, x))
        assert 0 < active.mean() < 1 or x.shape[1] == 1
        seen += 1

    for module in model.modules():
        if isinstance(module, BinaryConv1d | BinaryConv2d | BinaryLinear) and module.bconfig is not SIGN:
            assert module.bit_reason() is None or module.bconfig in (WITH_K, LEARNED)
            assert module.factor_bits() == (1, 1)
            module.register_forward_hook(check)
    with torch.no_grad():
        model(torch.from_numpy(images(name)))
    assert seen >= 2


def test_sums_stay_integers_where_they_are_floats() -> None:
    """No scale is folded into the sums of 0 and 1: a sum of 0 times a scale is 0, and the bias is the bias."""
    torch.manual_seed(0)
    conv = BinaryConv2d(4, 6, 3, padding=1, bconfig=ZERO_ONE)
    model = randomize_(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), conv, nn.BatchNorm2d(6)))
    nn.init.constant_(model[0].weight, 0.0)
    nn.init.constant_(model[0].bias, -1.0)  # nothing is active
    model[3].reset_running_stats()
    nn.init.ones_(model[3].weight)
    nn.init.zeros_(model[3].bias)
    model[3].eps = 0.0
    with torch.no_grad():
        wanted = model(torch.from_numpy(images("conv"))).numpy()
    assert np.array_equal(wanted, np.broadcast_to(conv.bias.detach().numpy()[:, None, None], wanted.shape))
    assert np.array_equal(Model(pack(model, SHAPE))(images("conv")), wanted)


@pytest.mark.parametrize("threads", [1, 2])
def test_zeros_where_the_process_flushes_subnormal_numbers(threads: int) -> None:
    """The threshold of x > 0 is the smallest number above 0, which such a thread takes for 0."""
    model = trained("residual")
    packed, x = Model(pack(model, SHAPE), threads=threads), images("residual", 40)
    wanted = packed(x)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush subnormal numbers")
    try:
        got = packed(x)
        flushes = float(np.float32(1e-45) * np.float32(1)) == 0
    finally:
        torch.set_flush_denormal(False)
    assert flushes, "the thread keeps its own setting"
    assert np.array_equal(got, wanted)


def test_onnx_where_the_session_flushes_subnormal_numbers() -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is an optional peer")
    from xnorkit.targets.onnx import to_onnx

    model = trained("residual")
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.intra_op_num_threads = 1
    content = to_onnx(pack(model, SHAPE)).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    try:
        got = session.run(None, {"images": images("residual")})[0]
    finally:
        torch.set_flush_denormal(False)  # a session of one thread sets the caller's
    with torch.no_grad():
        wanted = model(torch.from_numpy(images("residual"))).numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


def test_other_image_sizes() -> None:
    model = nn.Sequential(*list(trained("pooled").children()), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    packed = Model(pack(model, SHAPE, dynamic=True))
    for height, width in ((9, 7), (14, 5), (6, 21)):
        x = torch.randn(4, 3, height, width, generator=torch.Generator().manual_seed(height))
        with torch.no_grad():
            np.testing.assert_allclose(packed(x.numpy()), model(x).numpy(), rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operations of the C form, compiled once."""
    folder = tmp_path_factory.mktemp("operations")
    write_c(folder, pack(trained("pooled"), SHAPE))
    subprocess.run(["make", "-s", "-C", str(folder), "main", "CFLAGS=-O1"], check=True)
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_c(name: str, objects: Path) -> None:
    write_c(objects, pack(trained(name), shape_of(name)), images=images(name, 2))
    done = subprocess.run(["make", "-s", "-C", str(objects), "CFLAGS=-O1"], capture_output=True, text=True, check=True)
    equal, total = map(int, re.findall(r"(\d+) of (\d+) outputs equal bit for bit", done.stdout)[0])
    assert equal == total > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is an optional peer")
    from xnorkit.targets.onnx import to_onnx

    model = trained(name)
    content = to_onnx(pack(model, shape_of(name))).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        wanted = model(torch.from_numpy(images(name))).numpy()
    np.testing.assert_allclose(session.run(None, {"images": images(name)})[0], wanted, rtol=1e-4, atol=1e-4)
