"""Layers on bits in training: the simulated path's forward pass, its gradients within a bound, and who takes which."""

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

import xnorkit
from xnorkit import _engine
from xnorkit.errors import InputError
from xnorkit.models import create_model
from xnorkit.models.dropped_signs import dropped_signs
from xnorkit.nn import BConfig, BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryLinear, _packed
from xnorkit.nn.compact_unit import compact_shortcut, compact_unit
from xnorkit.ops import (
    ApproxSignBinarizer,
    BasicInputBinarizer,
    EDEInputBinarizer,
    InputBiasBinarizer,
    LearnableScaleWeightBinarizer,
    MagnitudeAwareWeightBinarizer,
    ReCUWeightBinarizer,
    SignWeightBinarizer,
    SteHeavisideBinarizer,
    StochasticInputBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)

LIMIT = 511  # steps between 0 and the largest magnitude of a gradient

Make = Callable[[], nn.Module]


def _grads(layer: nn.Module, x: Tensor, path: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Tensor, list[Tensor]]:
    monkeypatch.setenv("XNORKIT_TRAIN", path)
    layer, x = copy.deepcopy(layer), x.clone().requires_grad_()
    torch.manual_seed(5)
    y = layer(x)
    y.backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(1)))
    grads = [x.grad, *(p.grad for p in layer.parameters())]
    return y.detach(), [g for g in grads if g is not None]


def _spy(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows by one with every product on bits."""
    calls: list[Any] = []
    real = _engine.sign_conv

    def sign_conv(*args: Any) -> None:
        calls.append(args)
        real(*args)

    monkeypatch.setattr(_engine, "sign_conv", sign_conv)
    return calls


GEOMETRIES: dict[str, tuple[Make, tuple[int, ...]]] = {
    "3x3": (lambda: BinaryConv2d(64, 64, 3, padding=1), (4, 64, 8, 8)),
    "odd channels": (lambda: BinaryConv2d(19, 7, 3, padding=1), (4, 19, 6, 5)),
    "no padding": (lambda: BinaryConv2d(20, 50, 5), (4, 20, 12, 12)),
    "stride": (lambda: BinaryConv2d(16, 32, 3, stride=2, padding=1), (3, 16, 9, 9)),
    "uneven": (lambda: BinaryConv2d(33, 40, (3, 5), stride=(2, 1), padding=(0, 4), dilation=(1, 2)), (2, 33, 9, 12)),
    "groups": (lambda: BinaryConv2d(64, 96, 3, padding=1, groups=2), (4, 64, 7, 7)),
    "same": (lambda: BinaryConv2d(32, 16, 3, padding="same"), (2, 32, 7, 7)),
    "no scale": (lambda: BinaryConv2d(32, 16, 1, scale=False, bias=False), (2, 32, 7, 7)),
    "1d": (lambda: BinaryConv1d(48, 24, 3, stride=2, padding=1), (4, 48, 17)),
    "linear": (lambda: BinaryLinear(200, 70), (12, 200)),
    "linear, odd rows": (lambda: BinaryLinear(40, 30), (7, 40)),
    "linear, tokens": (lambda: BinaryLinear(64, 48), (3, 5, 64)),
}


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_forward_is_equal_and_gradients_are_near(
    name: str, channels_last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    make, shape = GEOMETRIES[name]
    layer, x = make(), torch.randn(shape)
    if channels_last and x.dim() == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    y, simulated = _grads(layer, x, "simulated", monkeypatch)
    calls = _spy(monkeypatch)
    z, packed = _grads(layer, x, "packed", monkeypatch)
    assert len(calls) == 1
    assert torch.equal(y, z)
    # Rounding errors are even within half a step and independent: of their norm over that of the gradient nothing is
    # left but step / sqrt(12) over the deviation of what is rounded, a normal number's largest over 511 here.
    relative = 6 / LIMIT / math.sqrt(12)
    for a, b in zip(simulated, packed, strict=True):
        assert a.shape == b.shape
        assert (a - b).norm() <= relative * a.norm() + 1e-6


PROCESSES: dict[str, BConfig] = {
    "xnor": BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer),
    "clip": BConfig(BasicInputBinarizer.with_args(clip=1.25), weight_pre_process=SignWeightBinarizer),
    "no clip": BConfig(BasicInputBinarizer.with_args(clip=None), weight_pre_process=SignWeightBinarizer),
    "centred": BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer.with_args(center_weights=True)),
    "paper": BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer.with_args(gradient="paper")),
    "k map": BConfig(BasicInputBinarizer, XNORScaleBinarizer, XNORWeightBinarizer),
    "approx": BConfig(ApproxSignBinarizer, weight_pre_process=MagnitudeAwareWeightBinarizer),
    "react": BConfig(InputBiasBinarizer, weight_pre_process=MagnitudeAwareWeightBinarizer),
    "ede": BConfig(EDEInputBinarizer, weight_pre_process=ReCUWeightBinarizer),
    "stochastic": BConfig(StochasticInputBinarizer, weight_pre_process=LearnableScaleWeightBinarizer),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_binarizer_of_signs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer = BinaryConv2d(32, 24, 3, padding=1, bconfig=PROCESSES[name])
    x = torch.randn(4, 32, 8, 8)
    y, simulated = _grads(layer, x, "simulated", monkeypatch)
    calls = _spy(monkeypatch)
    z, packed = _grads(layer, x, "packed", monkeypatch)
    assert len(calls) == 1
    assert torch.equal(y, z)
    for a, b in zip(simulated, packed, strict=True):
        assert (a - b).norm() <= 6 / LIMIT / math.sqrt(12) * a.norm() + 1e-6


FLOAT_INPUT = torch.randn(2, 32, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (BinaryConv2d(32, 8, 3, bconfig=BConfig()), FLOAT_INPUT),
        (BinaryConv2d(32, 8, 3, bconfig=BConfig(weight_pre_process=XNORWeightBinarizer)), FLOAT_INPUT),
        (
            BinaryConv2d(32, 8, 3, bconfig=BConfig(SteHeavisideBinarizer, weight_pre_process=XNORWeightBinarizer)),
            FLOAT_INPUT,
        ),
        (BinaryConv2d(32, 8, 2, padding="same"), FLOAT_INPUT),
        (BinaryConv2d(32, 32, 3, groups=4), FLOAT_INPUT),
        (BinaryConv2d(32, 8, 3).double(), FLOAT_INPUT.double()),
        (BinaryConv2d(32, 8, 3), FLOAT_INPUT[0]),
        (BinaryConv3d(32, 8, 1), FLOAT_INPUT[:, :, None]),
        (BinaryConv2d(1, 1, 1), torch.zeros(1, 1, 1500, 1500)),
        (BinaryLinear(1, 1), torch.zeros(2200000, 1)),
        (BinaryLinear(1, 2200000), torch.zeros(2, 1)),
    ],
    ids=["float", "bwn", "0 and 1", "sides", "groups", "float64", "no batch", "3d", "positions", "rows", "filters"],
)
def test_what_has_no_bits_is_simulated(layer: nn.Module, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    calls = _spy(monkeypatch)
    layer(x).sum().backward()
    assert not calls


def test_observers_get_the_simulated_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Export and meta tensors look at the operations, not at the values; bfloat16 is no float32."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    calls = _spy(monkeypatch)
    layer = BinaryConv2d(32, 8, 3)
    with torch.autocast("cpu", torch.bfloat16):
        layer(FLOAT_INPUT.bfloat16())
    torch.export.export(nn.Sequential(layer).eval(), (FLOAT_INPUT,))
    with torch.device("meta"):
        BinaryConv2d(32, 8, 3)(torch.empty(1, 32, 4, 4))
    assert not calls
    layer(FLOAT_INPUT)
    assert calls


def test_paths_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _spy(monkeypatch)
    layer = BinaryLinear(64, 8)
    monkeypatch.setenv("XNORKIT_TRAIN", "simulated")
    layer(torch.randn(2, 64))
    assert not calls
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    layer(torch.randn(2, 64))
    assert len(calls) == 1
    monkeypatch.setenv("XNORKIT_TRAIN", "fast")
    with pytest.raises(InputError, match="XNORKIT_TRAIN='fast', but it must be one of auto, simulated, packed"):
        layer(torch.randn(2, 64))


@pytest.mark.parametrize("inner", [False, True])
def test_a_hook_on_the_binarizer_is_heard(inner: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may return other values than signs, so the layer computes in float32."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    calls = _spy(monkeypatch)
    config = BConfig(
        partial(dropped_signs, binarizer=BasicInputBinarizer, p=0.5), weight_pre_process=SignWeightBinarizer
    )
    layer = BinaryConv2d(32, 8, 3, bias=False, bconfig=config).eval()
    process = layer.activation_pre_process
    (process.binarizer if inner else process).register_forward_hook(lambda _module, _inputs, y: y * 0)
    assert not layer(FLOAT_INPUT).any()
    assert not calls
    assert "has a hook" in str(layer.simulated_reason())


def test_other_hooks_on_the_binarizer_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the backward pass, those of all modules, and a forward of the module's own."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    calls: list[str] = []
    layer = BinaryConv2d(32, 8, 3)
    process = layer.activation_pre_process
    handles = [
        process.register_full_backward_hook(lambda *_: calls.append("own")),
        register_module_forward_hook(lambda module, *_: calls.append("all") if module is process else None),
    ]
    layer(FLOAT_INPUT.clone().requires_grad_()).sum().backward()
    assert calls == ["all", "own"]
    for handle in handles:
        handle.remove()
    assert layer.simulated_reason() is None
    monkeypatch.setattr(process, "forward", torch.zeros_like)
    layer.bias = None
    assert not layer(FLOAT_INPUT).any()


def test_a_second_derivative_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hvp` asks for the gradients of some tensors alone and would take zeros for those that have none."""
    layer = BinaryLinear(64, 8)
    x = torch.randn(2, 64)

    def product() -> Tensor:
        return torch.autograd.functional.hvp(lambda x: layer(x).pow(2).sum(), x, torch.ones_like(x))[1]

    monkeypatch.setenv("XNORKIT_TRAIN", "simulated")
    assert product().any()
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    with pytest.raises(InputError, match="create_graph=True, but it must be a first derivative"):
        product()


class _OneScale(XNORWeightBinarizer):
    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        b, scale = super().factors(w)
        assert scale is not None
        return b, scale.mean().expand(len(b))


def _odd_layers() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    layers = {name: BinaryConv2d(32, 8, 3) for name in ("strided bias", "double bias", "NaN", "infinite")}
    layers["strided bias"].bias = nn.Parameter(torch.randn(16)[::2])
    layers["double bias"].bias = nn.Parameter(torch.randn(8, dtype=torch.float64))
    layers["NaN"].weight.data[0, 0] = math.nan
    assert layers["infinite"].bias is not None
    layers["infinite"].bias.data[0] = -math.inf
    config = BConfig(BasicInputBinarizer, weight_pre_process=_OneScale)
    return {**layers, "one scale": BinaryConv2d(32, 8, 3, bconfig=config)}


@pytest.mark.parametrize("name", ["strided bias", "double bias", "NaN", "infinite", "one scale"])
def test_scale_and_bias_of_any_memory_and_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = _odd_layers()[name]
    (y, grads), (z, packed) = (_grads(layer, FLOAT_INPUT, path, monkeypatch) for path in ("simulated", "packed"))
    torch.testing.assert_close(z, y, rtol=0, atol=0, equal_nan=True)
    for g, h in zip(grads, packed, strict=True):
        assert h[g.isnan()].isnan().all()  # a whole image is NaN, where the other path's is but inside the clip
        assert (g - h).nan_to_num().norm() <= 0.02 * g.nan_to_num().norm()


def test_defaults_of_dtype_and_device_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A float32 layer on the CPU stays one where new tensors would be something else."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    config = BConfig(
        partial(dropped_signs, binarizer=BasicInputBinarizer, p=0.5), weight_pre_process=XNORWeightBinarizer
    )
    units = [(nn.BatchNorm2d(32), BinaryConv2d(32, 8, 3, bconfig=bconfig), nn.ReLU()) for bconfig in (None, config)]
    shortcut = nn.Sequential(nn.AvgPool2d(2), nn.BatchNorm2d(32))
    x = FLOAT_INPUT.clone().requires_grad_()
    calls = _spy(monkeypatch)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            for unit in units:
                compact_unit(*unit, x).sum().backward()
            compact_shortcut(shortcut, units[0][1], x).sum().backward()
    finally:
        torch.set_default_dtype(before)
    assert len(calls) == 3  # dropout takes two products
    assert x.grad is not None
    assert x.grad.dtype == torch.float32


def test_a_line_of_transposed_memory_gives_one_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torch.nn.Conv1d: what was (N, L, C) becomes a contiguous (N, C, L)."""
    x = torch.randn(3, 9, 32).transpose(1, 2)
    for path in ("simulated", "packed"):
        monkeypatch.setenv("XNORKIT_TRAIN", path)
        assert BinaryConv1d(32, 8, 3)(x).is_contiguous()


@pytest.mark.parametrize("layer", [BinaryConv2d(32, 8, 9, padding=1), BinaryConv1d(32, 8, 9)], ids=["2d", "1d"])
def test_a_kernel_larger_than_the_image_is_the_same_error(layer: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    x = FLOAT_INPUT if isinstance(layer, BinaryConv2d) else FLOAT_INPUT[..., 0]
    for path in ("simulated", "packed"):
        monkeypatch.setenv("XNORKIT_TRAIN", path)
        with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
            layer(x)


def test_an_output_may_be_overwritten_and_the_input_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path keeps bits of its own, so that what follows may work in place."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    layer = BinaryConv2d(32, 8, 3)
    x = FLOAT_INPUT.clone()
    y = layer(x)
    x.zero_()
    y.relu_()
    y.sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("path", ["simulated", "packed"])
def test_memory_order_is_that_of_a_convolution(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows may call `view` on a contiguous result, as behind any layer of PyTorch."""
    monkeypatch.setenv("XNORKIT_TRAIN", path)
    layer = BinaryConv2d(32, 8, 3)
    x = FLOAT_INPUT.contiguous(memory_format=torch.channels_last)
    assert layer(FLOAT_INPUT).is_contiguous()
    assert layer(x).is_contiguous(memory_format=torch.channels_last)
    assert layer.to(memory_format=torch.channels_last)(FLOAT_INPUT).is_contiguous(memory_format=torch.channels_last)
    assert BinaryLinear(6, 8)(FLOAT_INPUT).is_contiguous()
    assert BinaryConv1d(32, 8, 3)(FLOAT_INPUT[..., 0]).is_contiguous()


def test_memory_kept_for_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bits per activation and one per weight, where the simulated path keeps 5 bytes and 8."""

    def kept(path: str) -> int:
        monkeypatch.setenv("XNORKIT_TRAIN", path)
        sizes: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        layer, x = BinaryConv2d(64, 64, 3, padding=1), torch.randn(8, 64, 16, 16, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            y = layer(x)
        del y
        return sum(sizes.values())

    values, weights = 8 * 64 * 16 * 16, 64 * 64 * 9
    assert kept("packed") <= values / 4 + 5 * weights
    assert kept("simulated") >= 5 * values


@pytest.mark.parametrize("p", [0.5, 0.75])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("binarizer", [BasicInputBinarizer, ApproxSignBinarizer])
def test_dropped_signs(p: float, channels_last: bool, binarizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the same signs are dropped, the result is equal bit for bit, and gradients are near."""
    torch.manual_seed(0)
    config = BConfig(partial(dropped_signs, binarizer=binarizer, p=p), weight_pre_process=XNORWeightBinarizer)
    layer = BinaryConv2d(40, 24, 3, padding=1, bconfig=config)
    x = torch.randn(4, 40, 8, 8)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    y, simulated = _grads(layer, x, "simulated", monkeypatch)
    calls = _spy(monkeypatch)

    def as_dropout(shape: Sequence[int], drop: float) -> Tensor:
        kept = F.dropout(torch.ones_like(x), drop) - 0.5
        words, _ = _packed._pack(_packed.channels_last(kept), None, 1)
        assert (words.shape, drop) == (shape, p)
        return words

    monkeypatch.setattr(_packed, "dropped_words", as_dropout)
    z, packed = _grads(layer, x, "packed", monkeypatch)
    assert len(calls) == 2
    assert torch.equal(y, z)
    assert torch.equal(simulated[0] == 0, packed[0] == 0) or not channels_last
    for a, b in zip(simulated, packed, strict=True):
        assert (a - b).norm() <= 8 / LIMIT / math.sqrt(12) * a.norm() + 1e-6
    y, _ = _grads(layer.eval(), x, "simulated", monkeypatch)
    z, _ = _grads(layer.eval(), x, "packed", monkeypatch)
    assert len(calls) == 3
    assert torch.equal(y, z)


@pytest.mark.parametrize("p", [0.5, 0.75, 0.875])
def test_words_of_dropped_signs(p: float) -> None:
    """Every bit is 1 at probability p, whatever its neighbours are, and they follow from PyTorch's seed."""
    torch.manual_seed(0)
    words = _packed.dropped_words((100, 40), p)
    assert words.dtype == torch.int32
    bits = np.unpackbits(words.numpy().view(np.uint8), axis=-1).reshape(4000, 32)
    error = math.sqrt(p * (1 - p) / 4000)
    assert np.abs(bits.mean(0) - p).max() < 4.5 * error
    assert np.abs(np.cov(bits.T) - np.diag(np.full(32, p * (1 - p)))).max() < 6 * p * (1 - p) / math.sqrt(4000) * 1.5
    torch.manual_seed(0)
    assert torch.equal(words, _packed.dropped_words((100, 40), p))
    assert not torch.equal(words, _packed.dropped_words((100, 40), p))


@pytest.mark.parametrize("channels", [1, 16, 31, 33])
def test_dropped_signs_of_channels_that_fill_no_word(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    config = BConfig(
        partial(dropped_signs, binarizer=BasicInputBinarizer, p=0.5), weight_pre_process=SignWeightBinarizer
    )
    layer = BinaryConv2d(channels, 8, 3, bias=False, bconfig=config)
    x = torch.randn(2, channels, 5, 5).requires_grad_()
    torch.manual_seed(3)
    y = layer(x)
    y.sum().backward()
    torch.manual_seed(3)
    words = _packed.dropped_words((2, 5, 5, -(-channels // 32)), 0.5).numpy().view(np.uint8)
    dropped = np.unpackbits(words, axis=-1, count=channels, bitorder="little")
    kept = torch.from_numpy(1 - dropped).permute(0, 3, 1, 2)
    signs = torch.where(x.detach() < 0, -2.0, 2.0) * kept
    assert torch.equal(y, F.conv2d(signs, layer.binary_weight()))
    assert x.grad is not None
    assert not x.grad[kept == 0].any()


def test_summary_says_which_layers_train_in_float32() -> None:
    figures = xnorkit.summary(create_model("nin-cifar10", dropout=0.3), (3, 32, 32))
    simulated = {layer.name: layer.simulated for layer in figures.layers if layer.simulated}
    reason = "DroppedSigns returns values other than +1 and -1"
    assert simulated == dict.fromkeys(("xnor.6.conv", "xnor.10.conv"), reason)
    assert "trains in float32:\n  xnor.6.conv, xnor.10.conv: DroppedSigns" in str(figures)
    for name in ("resnet18-cifar10", "nin-cifar10"):
        assert "trains in float32" not in str(xnorkit.summary(create_model(name), (3, 32, 32)))


@pytest.mark.parametrize(
    ("name", "options"), [("lenet5", {}), ("nin-cifar10", {"dropout": 0.0}), ("resnet20-cifar10", {})]
)
def test_networks_learn_alike(name: str, options: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the packed path's own memory layout the first loss is equal bit for bit, and gradients point the same way."""

    def step(path: str) -> tuple[float, Tensor]:
        monkeypatch.setenv("XNORKIT_TRAIN", path)
        torch.manual_seed(0)
        model = create_model(name, **options).to(memory_format=torch.channels_last)
        images = torch.randn((4, 1, 28, 28) if name == "lenet5" else (4, 3, 32, 32))
        loss = nn.functional.cross_entropy(model(images.to(memory_format=torch.channels_last)), torch.arange(4))
        loss.backward()
        return loss.item(), torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    (loss, gradient), (packed_loss, packed) = step("simulated"), step("packed")
    assert loss == packed_loss
    assert torch.nn.functional.cosine_similarity(gradient, packed, dim=0) > 0.99
