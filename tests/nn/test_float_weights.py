"""Weights that stay float are named, by prepare_binary_model and by summary, with what can be done."""

import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

import xnorkit
from xnorkit.errors import BinarizationWarning, InputError
from xnorkit.nn import BConfig, BinaryConv2d, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, XNORWeightBinarizer

SIGN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)


class OwnConv(nn.Conv2d):
    pass


def conv() -> nn.Conv2d:
    return nn.Conv2d(4, 4, 3, padding=1)


def old_weight_norm() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated
        return weight_norm(conv())


def pruned() -> nn.Module:
    return prune.l1_unstructured(conv(), "weight", 0.5)


NAMED: dict[str, tuple[Any, str]] = {
    "weight_norm": (
        lambda: parametrizations.weight_norm(conv()),
        "parametrization WeightNorm.*remove_parametrizations",
    ),
    "spectral_norm": (lambda: parametrizations.spectral_norm(conv()), "parametrization SpectralNorm"),
    "old weight_norm": (old_weight_norm, "hook WeightNorm; torch.nn.utils.remove_weight_norm"),
    "old spectral_norm": (lambda: spectral_norm(conv()), "hook SpectralNorm"),
    "prune": (pruned, "hook L1Unstructured; torch.nn.utils.prune.remove"),
    "subclass": (lambda: OwnConv(4, 4, 3, padding=1), "OwnConv has no binary counterpart"),
    "transposed": (lambda: nn.ConvTranspose3d(4, 4, 3, padding=1), "ConvTranspose3d has no binary counterpart"),
    "lazy": (lambda: nn.LazyConv2d(4, 3, padding=1), "LazyConv2d gets its weight with its first input"),
    "LSTM": (lambda: nn.LSTM(4, 4), "LSTM has no binary counterpart"),
    "GRU": (lambda: nn.GRU(4, 4), "GRU has no binary counterpart"),
    "LSTMCell": (lambda: nn.LSTMCell(4, 4), "LSTMCell has no binary counterpart"),
    "attention": (lambda: nn.MultiheadAttention(4, 2), "MultiheadAttention has no binary counterpart"),
    "attention, sizes differ": (lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=5), "MultiheadAttention has no"),
    "bilinear": (lambda: nn.Bilinear(4, 4, 4), "Bilinear has no binary counterpart"),
}


@pytest.mark.parametrize("name", NAMED)
def test_named(name: str) -> None:
    make, reason = NAMED[name]
    model = nn.Sequential(conv(), make())
    with pytest.warns(BinarizationWarning, match=rf"Weights stay float in 1 \(.*{reason}") as caught:
        prepare_binary_model(model, SIGN)
    assert not caught.list[1:]
    assert isinstance(model[0], BinaryConv2d)
    assert not isinstance(model[1], BinaryConv2d)
    prepare_binary_model(nn.Sequential(conv(), make()), SIGN, ignore_layers_name=["1"])  # no warning: they shall
    prepare_binary_model(nn.Sequential(conv(), make()), SIGN, ignore_layers_name=["$1$"])
    with pytest.raises(InputError, match=r"no layer to swap.*'0': .*" + reason):
        prepare_binary_model(nn.Sequential(make()), SIGN)


@pytest.mark.parametrize(
    "module",
    [nn.BatchNorm2d(4), nn.LayerNorm((4, 4)), nn.GroupNorm(2, 4), nn.Embedding(9, 4), nn.PReLU(4), nn.Identity()],
    ids=lambda module: type(module).__name__,
)
def test_not_named(module: nn.Module) -> None:
    prepare_binary_model(nn.Sequential(conv(), module), SIGN)


def test_layers_that_are_kept_float_on_purpose_are_not_named() -> None:
    model = nn.Sequential(conv(), conv(), nn.Linear(4, 4))
    mapping = {nn.Conv2d: BinaryConv2d}
    prepare_binary_model(model, SIGN, mapping, {"0": BConfig()}, ignore_layers_name=["1"])
    assert type(model[2]) is nn.Linear


def test_looking_at_a_parametrized_weight_does_not_step() -> None:
    layer = parametrizations.spectral_norm(conv())
    before = [buffer.clone() for buffer in layer.buffers()]
    prepare_binary_model(nn.Sequential(conv(), layer), SIGN, ignore_layers_name=["1"])
    assert all(torch.equal(a, b) for a, b in zip(before, layer.buffers(), strict=True))


def test_removed_first_it_becomes_binary() -> None:
    layer = parametrizations.weight_norm(conv())
    torch.nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert type(prepare_binary_model(nn.Sequential(layer), SIGN)[0]) is BinaryConv2d


def test_summary_gives_the_reason() -> None:
    model = nn.Sequential(conv(), parametrizations.weight_norm(conv()), conv())
    reasons = {layer.name: layer.reason for layer in xnorkit.summary(model, (4, 5, 5)).layers}
    assert "remove_parametrizations" in reasons["1"]
    recurrent = nn.Sequential(nn.Linear(4, 4), nn.GRU(4, 4))
    reasons = {layer.name: layer.reason for layer in xnorkit.summary(recurrent, (5, 4)).layers}
    assert reasons["1"] == "GRU has no binary counterpart"
