"""NIN and AlexNet as XNOR-Net-PyTorch has them: names of its checkpoints, initialisation, settings; and their kin."""

from typing import Any

import pytest
import torch
from torch import nn

from xnorkit.models import NIN, AlexNet, AlexNet224, NINCifar10
from xnorkit.nn import BinaryConv2d, BinaryLinear

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
LAYER = ("weight", "bias")


def keys(*modules: tuple[str, tuple[str, ...]]) -> list[str]:
    return [f"{name}.{key}" for name, own in modules for key in own]


def test_names_of_nin() -> None:
    blocks = [
        (f"xnor.{i}.{part}", own) for i in (3, 4, 6, 7, 8, 10, 11) for part, own in (("bn", NORM), ("conv", LAYER))
    ]
    first = [("xnor.0", LAYER), ("xnor.1", STATISTICS)]
    last = [("xnor.12", STATISTICS), ("xnor.13", LAYER)]
    assert list(NINCifar10().state_dict()) == keys(*first, *blocks, *last)


def test_names_of_alexnet() -> None:
    with torch.device("meta"):
        model = AlexNet()
    features = [(f"features.{i}.{part}", own) for i in (4, 6, 7, 8) for part, own in (("bn", NORM), ("conv", LAYER))]
    linear = [(f"classifier.{i}.{part}", own) for i in (0, 1) for part, own in (("bn", NORM), ("linear", LAYER))]
    expected = [("features.0", LAYER), ("features.1", NORM), *features, *linear, ("classifier.2", NORM)]
    assert list(model.state_dict()) == keys(*expected, ("classifier.4", LAYER))


def test_settings_of_nin() -> None:
    torch.manual_seed(0)
    model = NINCifar10()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {m.eps for m in norms} == {1e-4}
    assert [m.affine for m in norms] == [False, *[True] * 7, False]
    for conv in (m for m in model.modules() if isinstance(m, nn.Conv2d)):
        assert conv.bias is not None
        assert not conv.bias.any()
        assert conv.weight.std().item() == pytest.approx(0.05, rel=0.05)
    dropped = [m.activation_pre_process for m in model.modules() if isinstance(m, BinaryConv2d)]
    assert [getattr(m, "p", 0.0) for m in dropped] == [0, 0, 0.5, 0, 0, 0.5, 0]


def test_settings_of_alexnet() -> None:
    torch.manual_seed(0)
    model = AlexNet(num_classes=5)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert [m.eps for m in norms] == [*[1e-4] * 7, 1e-3]
    for name in ("features.0", "features.6.conv", "classifier.1.linear"):
        weight: Any = model.get_submodule(name).weight
        assert weight.std().item() == pytest.approx(2 / weight[0].numel(), rel=0.02)
    linear = [m for m in model.modules() if isinstance(m, BinaryLinear)]
    assert [getattr(m.activation_pre_process, "p", 0.0) for m in linear] == [0, 0.5]


@pytest.mark.parametrize(
    ("make", "name", "sizes"),
    [
        (NIN, "features", [55] * 5 + [27] * 4 + [13] * 4 + [6] * 5 + [1]),
        (AlexNet, "features", [55] * 3 + [27] * 2 + [13] * 4 + [6]),
        (AlexNet224, "features", [55] * 3 + [27] * 2 + [13] * 4 + [6] + [1] * 5),
        (NINCifar10, "xnor", [32] * 5 + [16] * 4 + [8] * 6 + [1]),
    ],
)
def test_sizes_of_the_layer_table(make: Any, name: str, sizes: list[int]) -> None:
    size = {NIN: 227, AlexNet: 227, AlexNet224: 224, NINCifar10: 32}[make]
    found: list[int] = []
    with torch.device("meta"):
        model = make().eval()
        for module in model.get_submodule(name):
            module.register_forward_hook(lambda module, x, y: found.append(y.shape[-1]))
        model(torch.empty(1, 3, size, size))
    assert found == sizes
