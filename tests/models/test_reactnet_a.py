"""ReActNet-A: the block against the two branches of the paper, sizes."""

import torch
from torch import nn

from xnorkit.models import ReActMobileBlock, ReActNetA, binarize_
from xnorkit.nn import BinaryConv2d


def test_doubling_block_equals_two_branches() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(ReActMobileBlock(8, 16, 2))
    block = binarize_(model, "react", []).eval()[0]
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    for norm in (block.bn1, block.bn2):
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2.0)
    x = torch.randn(3, 8, 6, 6)
    y = block.act1(block.bn1(block.conv1(x)) + nn.functional.avg_pool2d(x, 2))

    branches = []
    for half in (slice(0, 8), slice(8, 16)):
        conv = BinaryConv2d.from_module(nn.Conv2d(8, 8, 1, bias=False), block.conv2.bconfig).eval()
        conv.weight.data = block.conv2.weight.data[half]
        conv.activation_pre_process.bias = block.conv2.activation_pre_process.bias
        norm = nn.BatchNorm2d(8).eval()
        for key in ("weight", "bias", "running_mean", "running_var"):
            getattr(norm, key).data = getattr(block.bn2, key).data[half]
        branches.append(norm(conv(y)) + y)
    assert torch.equal(block(x), block.act2(torch.cat(branches, 1)))


def test_sizes_of_the_layer_table() -> None:
    model, found = ReActNetA(num_classes=2).eval(), []
    for block in model.blocks:
        block.register_forward_hook(lambda module, x, y: found.append((y.shape[1], y.shape[2])))
    model(torch.zeros(1, 3, 64, 64))
    wide = [(64, 32), *[(128, 16)] * 2, *[(256, 8)] * 2, *[(512, 4)] * 6, *[(1024, 2)] * 2]
    assert found == wide


def test_every_convolution_of_the_blocks_is_binary() -> None:
    model = ReActNetA(num_classes=2)
    assert all(isinstance(m, BinaryConv2d) for m in model.blocks.modules() if isinstance(m, nn.Conv2d))
    assert sum(isinstance(m, BinaryConv2d) for m in model.modules()) == 26
