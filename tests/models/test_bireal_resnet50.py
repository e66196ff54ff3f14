"""Bi-Real Net-50: the block against its formulas, sizes, what stays float."""

import torch
from torch import nn

from xnorkit.models import BiRealBottleneck, BiRealResNet50
from xnorkit.nn import BinaryConv2d


def test_block_is_what_its_formulas_say() -> None:
    torch.manual_seed(0)
    m, x = torch.randn(2, 4, 6, 6), torch.randn(2, 16, 6, 6)
    b = BiRealBottleneck(16, 32, 2)
    y = b.bn1(b.conv1(x.clamp(-1, 1))) + b.narrow(m)
    narrow = b.bn2(b.conv2(y.clamp(-1, 1))) + nn.functional.avg_pool2d(y, 2)
    wide = b.bn3(b.conv3(narrow.clamp(-1, 1))) + b.downsample(x)
    found = b((m, x))
    assert torch.equal(found[0], narrow)
    assert torch.equal(found[1], wide)
    assert (narrow.shape, wide.shape) == ((2, 8, 3, 3), (2, 32, 3, 3))
    b = BiRealBottleneck(16, 16, 1)
    y = b.bn1(b.conv1(x.clamp(-1, 1))) + m
    assert torch.equal(b((m, x))[0], b.bn2(b.conv2(y.clamp(-1, 1))) + y)
    first = BiRealBottleneck(8, 16, 1, first=True)
    images = torch.randn(2, 8, 6, 6)
    assert torch.equal(first((images, images))[1], first((torch.zeros_like(images), images))[1])


def test_sizes_and_float_layers() -> None:
    model, found = BiRealResNet50(num_classes=2).eval(), []
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        layer.register_forward_hook(lambda module, x, y: found.append([tuple(t.shape[1:]) for t in y]))
    model(torch.zeros(1, 3, 64, 64))
    assert found == [[(c // 4, s, s), (c, s, s)] for c, s in ((256, 16), (512, 8), (1024, 4), (2048, 2))]
    binary = [name for name, m in model.named_modules() if isinstance(m, BinaryConv2d)]
    assert len(binary) == 3 * 16 - 1
    assert "layer1.0.conv1" not in binary
    assert all(name.rsplit(".", 1)[1] in ("conv1", "conv2", "conv3") for name in binary)
