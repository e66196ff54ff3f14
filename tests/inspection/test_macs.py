"""Multiply-adds against counting: weights and pixels of one, so that each sum is the number of its valid taps."""

import pytest
import torch
from torch import nn

from xnorkit.inspection.macs import macs

CASES = [
    (nn.Conv2d(3, 4, 3), (2, 3, 7, 9)),
    (nn.Conv2d(3, 4, 3, padding=1), (1, 3, 7, 9)),
    (nn.Conv2d(4, 6, (3, 2), stride=(2, 3), padding=(4, 1), dilation=(2, 3), groups=2), (1, 4, 8, 9)),
    (nn.Conv2d(2, 2, 5, padding="same"), (1, 2, 4, 3)),
    (nn.Conv2d(2, 2, (1, 3), padding=(0, 7)), (2, 2, 2)),
    (nn.Conv1d(3, 5, 4, stride=3, padding=2), (2, 3, 11)),
    (nn.Conv3d(1, 2, 3, padding=1, stride=2), (1, 1, 4, 5, 6)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (1, 2, 5, 5)),
    (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), (1, 4, 5, 4)),
    (nn.ConvTranspose1d(2, 3, 4, padding=3, dilation=2), (1, 2, 9)),
    (nn.Linear(7, 5), (2, 3, 7)),
]


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=range(len(CASES)))
def test_against_counting(layer: nn.Module, shape: tuple[int, ...]) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1.0)
        layer.bias.zero_()
        out = layer(torch.ones(shape))
    assert macs(layer, shape, tuple(out.shape)) == int(out.sum())


def test_same_padding_of_an_even_kernel_counts_what_is_inside() -> None:
    layer = nn.Conv1d(1, 1, 4, padding="same")  # one tap before the first pixel, two behind the last
    assert macs(layer, (1, 1, 5), (1, 1, 5)) == 3 + 4 + 4 + 3 + 2
