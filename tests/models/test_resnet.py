"""ResNet: sizes, blocks, stems, and the binary one of the registry."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.models import (
    BasicBlock,
    BiRealBlock,
    DaBNNStem,
    HBlock,
    PreBasicBlock,
    ReactBlock,
    create_model,
    input_shape,
    resnet18,
    resnet34,
    xnor_resnet18,
)
from xnorkit.nn import BinaryConv2d, RPReLU, project_


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_parameter_counts() -> None:
    assert parameters(resnet18()) == 11_689_512
    assert parameters(resnet34()) == 21_797_672
    assert parameters(resnet18(num_classes=10, stem_type="cifar")) == 11_173_962


@pytest.mark.parametrize("stem", ["basic", "dabnn", "cifar"])
@pytest.mark.parametrize("block", ["basic", "prebasic", "bireal", "hierarchical", "react"])
def test_forward_and_backward(block: Any, stem: Any) -> None:
    torch.manual_seed(1)
    model = resnet18(num_classes=3, block_type=block, stem_type=stem)
    y = model(torch.randn(2, 3, 16, 16))
    assert y.shape == (2, 3)
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    rprelus = sum(isinstance(m, RPReLU) for m in model.modules())
    assert rprelus == (16 if block == "react" else 0)


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


def test_stem_of_dabnn() -> None:
    stem = DaBNNStem(64)
    assert stem(torch.zeros(2, 3, 32, 32)).shape == (2, 64, 8, 8)
    convs = [tuple(m.weight.shape[:2]) for m in stem.modules() if isinstance(m, nn.Conv2d)]
    assert convs == [(32, 3), (16, 32), (32, 16), (64, 64)]


def test_rprelu_and_block_functions() -> None:
    assert sum(isinstance(m, RPReLU) for m in resnet18(rprelu=True).modules()) == 16
    model = resnet18(block_type=lambda c_in, c_out, stride, activation: nn.Conv2d(c_in, c_out, 1, stride))
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)


@pytest.mark.parametrize("name", ["resnet18", "resnet18-cifar10"])
def test_registry_makes_the_inner_layers_binary(name: str) -> None:
    model, twin = create_model(name), create_model(name, binarization="float")
    binary = {n: m for n, m in model.named_modules() if isinstance(m, BinaryConv2d)}
    assert len(binary) == 16
    assert sum(m.weight.numel() for m in binary.values()) == 10_985_472
    assert {m.bit_reason() for m in binary.values()} == {None}
    assert all(n.startswith("layer") and "downsample" not in n for n in binary)
    assert {k: v.shape for k, v in model.state_dict().items()} == {k: v.shape for k, v in twin.state_dict().items()}
    assert not any(isinstance(m, BinaryConv2d) for m in twin.modules())
    assert input_shape(name) == ((3, 224, 224) if name == "resnet18" else (3, 32, 32))


def test_binary_network_trains_a_step() -> None:
    torch.manual_seed(3)
    model = create_model("resnet18-cifar10")
    model(torch.randn(2, 3, 16, 16)).square().sum().backward()
    weight = model.layer2[0].conv1.weight
    assert weight.grad.abs().sum() > 0
    with torch.no_grad():
        weight.fill_(2)
    project_(model)
    assert weight.max() == 1
    assert parameters(xnor_resnet18()) == 11_688_616


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_type": "pre"}, "block_type='pre'; required: one of basic, prebasic"),
        ({"stem_type": "7x7"}, "stem_type='7x7'; required: one of basic, dabnn, cifar"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"block_type": "bireal", "rprelu": True}, "use block_type='react'"),
    ],
)
def test_unknown_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resnet18(**options)


def test_unknown_binarization() -> None:
    with pytest.raises(InputError, match="binarization='bwn'; required: 'xnor' or 'float'"):
        xnor_resnet18(binarization="bwn")  # type: ignore[arg-type]
