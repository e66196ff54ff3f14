"""torchvision's networks, made binary as they are: each packs, or is refused by one sentence that names the module.

Most are torchvision's own classes with fewer and narrower stages, so that each takes seconds.
"""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit.data import repair_torchvision
from xnorkit.errors import ExportError
from xnorkit.export import export_model, pack, verify
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, SteHeavisideBinarizer, XNORWeightBinarizer
from xnorkit.runtime import Model

repair_torchvision()
models: Any = pytest.importorskip("torchvision", reason="torchvision is not installed").models

XN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
SHAPE = (3, 32, 32)


def regnet() -> nn.Module:
    widths = models.regnet.BlockParams.from_init_params(depth=4, w_0=16, w_a=8, w_m=2, group_width=8, se_ratio=0.25)
    return models.RegNet(widths, num_classes=10, stem_width=16)


def googlenet() -> nn.Module:
    parts = importlib.import_module("torchvision.models.googlenet")  # models.googlenet is a function
    stem = parts.BasicConv2d(3, 16, kernel_size=3, stride=2, padding=1)
    pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    inception = parts.Inception(16, 8, 8, 16, 4, 8, 8)
    return nn.Sequential(stem, pool, inception, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(40, 10))


def squeezenet() -> nn.Module:
    stem = [nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2, ceil_mode=True)]
    fires = [models.squeezenet.Fire(16, 4, 16, 16), models.squeezenet.Fire(32, 4, 16, 16)]
    return nn.Sequential(*stem, *fires, nn.Conv2d(32, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def convnext() -> nn.Module:
    block = models.convnext.CNBlockConfig
    return models.ConvNeXt([block(8, 16, 1), block(16, None, 1)], stochastic_depth_prob=0.1, num_classes=10)


def efficientnet(activation: Callable[..., nn.Module] = nn.SiLU) -> nn.Module:
    block = partial(models.efficientnet.MBConvConfig, width_mult=1.0, depth_mult=1.0)
    blocks = [block(1, 3, 1, 8, 8, 2), block(6, 3, 2, 8, 16, 2)]
    model = models.EfficientNet(blocks, dropout=0.2, stochastic_depth_prob=0.5, num_classes=10)
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.SiLU):
                setattr(module, name, activation())
    return model


PACKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: models.resnet18(num_classes=10),
    "resnext": lambda: models.ResNet(models.resnet.Bottleneck, [1] * 4, 10, groups=4, width_per_group=4),
    "mobilenet_v2": lambda: models.MobileNetV2(10, 0.5, [[1, 16, 1, 1], [6, 24, 2, 2]]),
    "mobilenet_v3_small": lambda: models.mobilenet_v3_small(width_mult=0.25, reduced_tail=True, num_classes=10),
    "regnet": regnet,
    "squeezenet": squeezenet,
    "densenet": lambda: models.DenseNet(8, (2, 2), 16, num_classes=10),
    "googlenet": googlenet,
    "shufflenet_v2": lambda: models.ShuffleNetV2([2, 2, 2], [8, 16, 32, 64, 64], num_classes=10),
    "efficientnet with ReLU": lambda: efficientnet(nn.ReLU),
}

REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "vit": (
        lambda: models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10),
        r"'encoder\.layers\.encoder_layer_0\.self_attention' computes attention at line \d+ of vision_transformer\.py",
    ),
    "swin": (
        lambda: models.SwinTransformer([4, 4], 16, [1, 1], [2, 2], [4, 4], num_classes=10),
        r"'features\.0\.2' \(LayerNorm\) has no counterpart",
    ),
    "convnext": (convnext, r"'layer_norm' \(a call of layer_norm\) in 'features\.0\.1' has no counterpart"),
    "efficientnet": (
        efficientnet,
        r"'features\.1\.0\.block\.0\.0\.sign' cannot become thresholds.*'features\.0\.2' \(SiLU",
    ),
}


def binary(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return prepare_binary_model(make(), XN, ignore_layers_name=["_first_", "_last_"], activations="auto").eval()


@pytest.mark.parametrize("name", PACKS)
def test_packs_after_prepare_binary_model(name: str) -> None:
    model = binary(PACKS[name])
    assert any(isinstance(module, SteHeavisideBinarizer) for module in model.modules())
    export = export_model(model, SHAPE)
    assert "binary_conv2d" in {node.op for node in export.graph.nodes}
    images = np.random.default_rng(1).standard_normal((2, *SHAPE), dtype=np.float32)
    proof = verify(model, Model(export.graph), images, export=export)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound


# What stays float in a transformer is named by a warning of prepare_binary_model.
@pytest.mark.filterwarnings("ignore::xnorkit.errors.BinarizationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_by_one_sentence_that_names_the_module(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(ExportError, match=message) as raised:
        pack(binary(make), SHAPE)
    assert "\n" not in str(raised.value)
    assert "tensor(" not in str(raised.value)
