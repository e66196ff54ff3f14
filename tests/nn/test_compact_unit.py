"""Batch normalization, binary layer and ReLU with compact memory: the modules' values, gradients within the bound."""

import copy
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from xnorkit import _engine
from xnorkit.models import create_model
from xnorkit.nn import BConfig, BinaryConv2d
from xnorkit.nn.compact_unit import compact_shortcut, compact_stem, compact_unit
from xnorkit.ops import BasicInputBinarizer
from xnorkit.ops.base import OutputProcess

IMAGES = torch.randn(8, 48, 9, 7, generator=torch.Generator().manual_seed(0)) * 3 + 1


class _Double(OutputProcess):
    def forward(self, y: Tensor, _x: Tensor) -> Tensor:
        return y.double()


class _Flat(OutputProcess):
    def forward(self, y: Tensor, _x: Tensor) -> Tensor:
        return y.flatten(1)


LATER = (_Double, _Flat)  # behind the layer; no (N, C, H, W) of float32 is left


def _unit(channels: int = 48) -> nn.ModuleList:
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(channels)
    nn.init.uniform_(norm.weight, 0.2, 1.5)
    nn.init.uniform_(norm.bias, -0.5, 0.5)
    return nn.ModuleList([norm, BinaryConv2d(channels, 40, 3, padding=1), nn.ReLU()])


def _run(unit: nn.ModuleList, x: Tensor, compact: bool) -> tuple[Tensor, dict[str, Tensor]]:
    unit, x = copy.deepcopy(unit), x.clone(memory_format=torch.channels_last).requires_grad_()
    norm, layer, activation = unit
    y = compact_unit(norm, layer, activation, x) if compact else activation(layer(norm(x)))
    y.backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(2)))
    found = {name: p.grad for name, p in unit.named_parameters() if p.grad is not None}
    assert x.grad is not None
    return y.detach(), {**found, "x": x.grad, **dict(unit.named_buffers())}


def test_values_are_equal_and_gradients_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    unit = _unit()
    (y, plain), (z, compact) = _run(unit, IMAGES, False), _run(unit, IMAGES, True)
    assert torch.equal(y, z)
    for name in ("0.running_mean", "0.running_var", "0.num_batches_tracked", "1.weight", "1.bias"):
        assert torch.equal(plain[name], compact[name]), name
    for name in ("0.weight", "0.bias", "x"):
        assert (plain[name] - compact[name]).norm() <= 0.1 * plain[name].norm(), name


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("pixels", "channels"), [(1000, 33), (5, 1), (1, 64)])
def test_norm_gradient_is_within_its_bound(isa: str, threads: int, pixels: int, channels: int) -> None:
    rng = np.random.default_rng(0)
    x, g = rng.normal(2, 3, (2, pixels, channels)).astype(np.float32)
    weight = rng.uniform(0.2, 2, channels).astype(np.float32)
    mean, inverse = x.mean(0), (1 / np.sqrt(x.var(0) + 1e-5)).astype(np.float32)
    kept = np.empty(x.shape, np.int8)
    _engine.norm_keep(x, mean, inverse, kept, threads, isa)
    z = (x.astype(np.float64) - mean) * inverse
    assert np.abs(kept / 8 - z).max() <= 1 / 16 + 1e-4
    to_x, to_weight, to_bias = np.empty_like(x), np.empty_like(weight), np.empty_like(weight)
    _engine.norm_gradient(g, kept, weight, inverse, to_x, to_weight, to_bias, threads, isa)
    wide = g.astype(np.float64)
    np.testing.assert_allclose(to_bias, wide.sum(0), rtol=1e-4, atol=1e-3)
    size = np.abs(wide).mean(0)
    assert (np.abs(to_weight - (wide * z).sum(0)) <= size * pixels / 16 + 1e-3).all()
    exact = weight * inverse * (wide - wide.mean(0) - z * (wide * z).mean(0))
    bound = weight * inverse * (np.abs(z) * size + np.abs((wide * z).mean(0)) + size / 16) / 16
    assert (np.abs(to_x - exact) <= bound + 1e-4).all()
    same = np.empty_like(x)
    _engine.norm_gradient(g, kept, weight, inverse, same, to_weight, to_bias, 1, "portable")
    assert np.array_equal(same, to_x)


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("size", [1, 31, 32, 100, 8192 + 77])
def test_relu_is_exact(isa: str, size: int) -> None:
    x = torch.randn(size, generator=torch.Generator().manual_seed(0))
    for index, value in enumerate([0.0, -0.0, 1e-45, -1e-45, float("inf"), float("nan")][:size]):
        x[index] = value
    g = torch.randn(size)
    kept = np.empty(-(-size // 32), np.uint32)
    got, in_place = np.empty(size, np.float32), x.numpy().copy()
    _engine.relu_keep(x.numpy(), kept, got, 2, isa)
    assert np.array_equal(got, x.relu().numpy(), equal_nan=True)
    _engine.relu_keep(in_place, kept, in_place, 2, isa)
    assert np.array_equal(got, in_place, equal_nan=True)
    _engine.relu_gradient(g.numpy(), kept, got, 2, isa)
    expected = torch.ops.aten.threshold_backward(g, x.relu(), 0)
    assert np.array_equal(got, expected.numpy())


@pytest.mark.parametrize("options", [{}, {"ceil_mode": True, "count_include_pad": False}, {"padding": 1}], ids=str)
def test_shortcut_and_stem(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    torch.manual_seed(0)
    pool, conv, norm = nn.AvgPool2d(2, 2, **options), nn.Conv2d(48, 24, 1, bias=False), nn.BatchNorm2d(24)
    shortcut, layer, relu = nn.Sequential(pool, conv, norm), BinaryConv2d(48, 8, 3), nn.ReLU()

    def run(compact: bool) -> tuple[Tensor, Tensor]:
        x = IMAGES.clone().requires_grad_()
        y = compact_shortcut(shortcut, layer, x) if compact else shortcut(x)
        y = compact_stem(norm, relu, layer, y) if compact else relu(norm(y))
        y.backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(3)))
        assert x.grad is not None
        return y.detach(), x.grad

    (y, g), (z, h) = run(False), run(True)
    assert torch.equal(y, z)
    assert (g - h).norm() <= 0.05 * g.norm()


def test_what_else_a_module_does_still_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks, evaluation, other norms and activations, float layers, no gradients: the modules are called."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    norm, layer, activation = _unit()
    calls: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: calls.append(name))
        for name, module in (("norm", norm), ("layer", layer), ("activation", activation))
    ]
    x = IMAGES.clone().requires_grad_()
    compact_unit(norm, layer, activation, x).sum().backward()
    assert calls == ["norm", "layer", "activation"]
    for handle in handles:
        handle.remove()
    handle = register_module_forward_hook(lambda module, *_: calls.append(type(module).__name__))
    compact_unit(norm, layer, activation, x)
    handle.remove()
    assert {"BatchNorm2d", "BinaryConv2d", "ReLU"} <= set(calls)
    others = [
        (nn.BatchNorm2d(48).eval(), layer, activation),
        (nn.BatchNorm2d(48, affine=False), layer, activation),
        (nn.BatchNorm2d(48, track_running_stats=False), layer, activation),
        (nn.BatchNorm2d(48, momentum=None), layer, activation),
        (nn.GroupNorm(4, 48), layer, nn.Hardtanh()),
        (norm, nn.Conv2d(48, 8, 3), activation),
        (norm, BinaryConv2d(48, 8, 3, bconfig=BConfig()), activation),
        *((norm, BinaryConv2d(48, 8, 3, bconfig=BConfig(BasicInputBinarizer, kind)), activation) for kind in LATER),
    ]
    for modules in others:
        y, z = copy.deepcopy(nn.Sequential(*modules))(IMAGES), compact_unit(*copy.deepcopy(modules), IMAGES)
        assert torch.equal(y, z)
    with torch.no_grad():
        assert torch.equal(nn.Sequential(*_unit())(IMAGES), compact_unit(*_unit(), IMAGES))


def test_a_relu_overwrites_only_where_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hook of the layer has taken stays as it was, unless the ReLU is in place."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    for inplace, layout in itertools.product((False, True), (torch.contiguous_format, torch.channels_last)):
        norm, layer, _ = _unit()
        taken: list[Tensor] = []
        before: list[Tensor] = []
        layer.register_forward_hook(lambda _module, _inputs, y, taken=taken: taken.append(y))
        layer.register_forward_hook(lambda _module, _inputs, y, before=before: before.append(y.detach().clone()))
        images = IMAGES.contiguous(memory_format=layout)
        y = compact_unit(norm, layer, nn.ReLU(inplace), images)
        assert torch.equal(y, before[0].relu())
        assert y.stride() == before[0].stride()
        assert bool((taken[0] < 0).any()) is not inplace
        y.sum().backward()


def test_an_input_without_a_deviation_gives_nan_as_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    images = IMAGES.clone()
    images[0, 0, 0, 0], images[0, 1, 0, 0] = math.nan, math.inf
    (_, plain), (_, compact) = (_run(_unit(), images, compact) for compact in (False, True))
    for name, g in plain.items():
        assert torch.equal(g.isnan(), compact[name].isnan()), name
    assert compact["0.weight"].isnan().sum() == 2


def test_one_value_per_channel_is_refused_as_by_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        compact_unit(*_unit(), IMAGES[:1, :, :1, :1])


@pytest.mark.parametrize(("name", "share"), [("resnet18-cifar10", 0.25), ("nin-cifar10", 0.6)])
def test_memory_kept_by_a_network(name: str, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share of the float twin's, parameters aside; NIN's max pooling keeps floats and 64-bit indices."""
    monkeypatch.setenv("XNORKIT_TRAIN", "packed")

    def kept(binarization: str) -> int:
        model = create_model(name, binarization=binarization, **({"dropout": 0.0} if "nin" in name else {}))
        model.to(memory_format=torch.channels_last)
        own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
        alive: dict[int, torch.UntypedStorage] = {}

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                alive[storage.data_ptr()] = storage  # kept, so that no other gets its address
            return tensor

        images = torch.randn(16, 3, 32, 32).to(memory_format=torch.channels_last)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            y = model(images)
        assert y.requires_grad
        return sum(storage.nbytes() for storage in alive.values())

    assert kept("xnor") <= share * kept("float")
