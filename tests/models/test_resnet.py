"""ResNet: sizes, blocks, stems, and the binary one of the registry."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.models import (
    BasicBlock,
    BiRealBlock,
    Bottleneck,
    DaBNNStem,
    HBlock,
    PreBasicBlock,
    PreBottleneck,
    ReactBlock,
    binary_resnet,
    create_model,
    resnet18,
    resnet20,
    resnet34,
    resnet50,
)
from xnorkit.nn import BinaryConv2d, RPReLU, project_

# A block that takes the sign of its very input needs values of both signs from the stem.
STEM_ENDS = {"bireal": nn.Identity, "react": nn.Identity, "irnet": nn.Hardtanh}


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_parameter_counts() -> None:
    assert parameters(resnet18()) == 11_689_512
    assert parameters(resnet34()) == 21_797_672
    assert parameters(resnet18(num_classes=10, stem_type="cifar")) == 11_173_962
    assert parameters(resnet20()) == 272_474
    assert parameters(resnet50()) == 25_557_032


@pytest.mark.parametrize("stem", ["basic", "dabnn", "cifar"])
@pytest.mark.parametrize("block", ["basic", "prebasic", "bireal", "hierarchical", "react", "irnet"])
def test_forward_and_backward(block: Any, stem: Any) -> None:
    torch.manual_seed(1)
    model = resnet18(num_classes=3, block_type=block, stem_type=stem)
    y = model(torch.randn(2, 3, 16, 16))
    assert y.shape == (2, 3)
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    rprelus = sum(isinstance(m, RPReLU) for m in model.modules())
    assert rprelus == (16 if block == "react" else 0)
    assert isinstance(model.conv1.conv3[2] if stem == "dabnn" else model.relu, STEM_ENDS.get(block, nn.ReLU))


@pytest.mark.parametrize(
    ("stem", "size", "sizes"),
    [("basic", 64, [16, 16, 8, 4, 2]), ("dabnn", 64, [16, 16, 8, 4, 2]), ("cifar", 32, [32, 32, 16, 8, 4])],
)
def test_sizes_of_the_layer_table(stem: Any, size: int, sizes: list[int]) -> None:
    model, found = resnet18(num_classes=2, stem_type=stem), []
    for module in (model.maxpool, model.layer1, model.layer2, model.layer3, model.layer4):
        module.register_forward_hook(lambda module, x, y: found.append(tuple(y.shape[1:])))
    model(torch.zeros(2, 3, size, size))
    assert found == [(c, s, s) for c, s in zip((64, 64, 128, 256, 512), sizes, strict=True)]


def relu(channels: int) -> nn.Module:
    return nn.ReLU()


def prelu(channels: int) -> nn.Module:
    return nn.PReLU(channels)


def test_blocks_are_what_their_formulas_say() -> None:
    torch.manual_seed(2)
    x = torch.randn(2, 8, 6, 6)

    def short(block: nn.Module) -> Tensor:
        pool, conv, bn = block.downsample
        return bn(conv(pool(x)))

    b: Any = BasicBlock(8, 12, 2, prelu)
    y = b.act1(b.bn1(b.conv1(x)))
    assert torch.equal(b(x), b.act2(b.bn2(b.conv2(y)) + short(b)))
    b = PreBasicBlock(8, 12, 2, prelu)
    y = b.act1(b.conv1(b.bn1(x)))
    assert torch.equal(b(x), b.act2(b.conv2(b.bn2(y))) + short(b))
    b = BiRealBlock(8, 12, 2)
    y = b.bn1(b.conv1(x.clamp(-1, 1))) + short(b)
    assert torch.equal(b(x), b.bn2(b.conv2(y.clamp(-1, 1))) + y)
    b = ReactBlock(8, 12, 2, prelu)
    y = b.act1(b.bn1(b.conv1(x)) + short(b))
    assert torch.equal(b(x), b.act2(b.bn2(b.conv2(y)) + y))
    b = HBlock(8, 12, 2, relu)
    y1 = b.conv1(b.bn1(x)).relu()
    y2 = b.conv2(b.bn2(y1)).relu()
    y3 = b.conv3(b.bn3(y2)).relu()
    assert torch.equal(b(x), torch.cat((y1, y2, y3), 1) + short(b))
    assert [t.shape[1] for t in (y1, y2, y3)] == [6, 3, 3]
    assert BasicBlock(8, 8, 1, relu).downsample is None


def test_bottlenecks_are_what_their_formulas_say() -> None:
    torch.manual_seed(3)
    x = torch.randn(2, 8, 6, 6)

    def short(block: nn.Module) -> Tensor:
        pool, conv, bn = block.downsample
        return bn(conv(pool(x)))

    b: Any = Bottleneck(8, 16, 2, prelu)
    y = b.act2(b.bn2(b.conv2(b.act1(b.bn1(b.conv1(x))))))
    assert y.shape == (2, 4, 3, 3)
    assert torch.equal(b(x), b.act3(b.bn3(b.conv3(y)) + short(b)))
    b = PreBottleneck(8, 16, 2, prelu)
    y = b.act2(b.conv2(b.bn2(b.act1(b.conv1(b.bn1(x))))))
    assert torch.equal(b(x), b.act3(b.conv3(b.bn3(y))) + short(b))


@pytest.mark.parametrize("block", ["basic", "prebasic"])
def test_resnet50_runs(block: Any) -> None:
    assert resnet50(num_classes=3, block_type=block)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_binary_shortcuts_have_a_norm_in_front_of_their_sign() -> None:
    model = binary_resnet(18, 10, stem_type="cifar", shortcut_type="binary")
    binary = {n: m for n, m in model.named_modules() if isinstance(m, BinaryConv2d)}
    assert sum(m.weight.numel() for m in binary.values()) == 11_157_504
    shortcuts = [m for name, m in model.named_modules() if name.endswith("downsample")]
    assert [[type(m).__name__ for m in s] for s in shortcuts] == [["Sequential", "BinaryConv2d", "BatchNorm2d"]] * 3
    assert [type(m).__name__ for m in shortcuts[0][0]] == ["AvgPool2d", "BatchNorm2d"]
    assert shortcuts[0][0][1].num_features == 64
    assert parameters(binary_resnet(18, shortcut_type="binary")) == 11_689_512


def test_block_of_a_binarization() -> None:
    def block(**options: Any) -> str:
        return type(binary_resnet(20, 10, stem_type="cifar", **options).layer1[0]).__name__

    kinds = {"xnor": "PreBasicBlock", "float": "PreBasicBlock", "bireal": "BiRealBlock", "irnet": "ReactBlock"}
    assert {name: block(binarization=name) for name in kinds} == kinds
    assert block(binarization="bireal", block_type="hierarchical") == "HBlock"


def test_stem_of_dabnn() -> None:
    stem = DaBNNStem(64)
    assert stem(torch.zeros(2, 3, 32, 32)).shape == (2, 64, 8, 8)
    convs = [tuple(m.weight.shape[:2]) for m in stem.modules() if isinstance(m, nn.Conv2d)]
    assert convs == [(32, 3), (16, 32), (32, 16), (64, 64)]


def test_rprelu_and_block_functions() -> None:
    assert sum(isinstance(m, RPReLU) for m in resnet18(rprelu=True).modules()) == 16
    model = resnet18(block_type=lambda c_in, c_out, stride, activation: nn.Conv2d(c_in, c_out, 1, stride))
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)


def test_binary_network_trains_a_step() -> None:
    torch.manual_seed(3)
    model = create_model("resnet18-cifar10")
    model(torch.randn(2, 3, 16, 16)).square().sum().backward()
    weight = model.layer2[0].conv1.weight
    assert weight.grad.abs().sum() > 0
    with torch.no_grad():
        weight.fill_(2)
    project_(model, closed=True)
    assert weight.max() == 1
    project_(model)
    assert weight.max() == 1 - 2**-24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_type": "pre"}, "block_type='pre', but it must be one of basic, prebasic"),
        ({"shortcut_type": "none"}, "shortcut_type='none', but it must be one of float, binary"),
        ({"stem_type": "7x7"}, "stem_type='7x7', but it must be one of basic, dabnn, cifar"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"block_type": "bireal", "rprelu": True}, "Use block_type='react'"),
    ],
)
def test_unknown_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resnet18(**options)


def test_what_bottlenecks_do_not_have() -> None:
    with pytest.raises(InputError, match="block_type='react', but it must be one of basic, prebasic, or a function"):
        resnet50(block_type="react")


def test_unknown_binarization() -> None:
    with pytest.raises(InputError, match="ResNet: binarization='xnr', but it must be one of float"):
        binary_resnet(20, binarization="xnr")
