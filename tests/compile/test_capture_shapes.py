"""Crops, one-dimensional networks and sizes that change are packed to the model's own numbers, or refused by name."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from captured import SHAPE, STE, XN, Net, before, proved
from torch import Tensor, nn

from xnorkit.errors import ExportError
from xnorkit.export import pack
from xnorkit.nn import BinaryConv1d, BinaryConv2d


class Sequence(nn.Module):
    def __init__(self, tail: Callable[[Tensor], Tensor], features: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.norm, self.tail = nn.Conv1d(3, 8, 3, padding=1), nn.BatchNorm1d(8), tail
        self.binary, self.fc = BinaryConv1d(8, 8, 3, padding=1, bconfig=XN), nn.Linear(features, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.tail(self.binary(self.norm(self.conv(x.squeeze(2))))))


CROPS: dict[str, Callable[[Tensor], Tensor]] = {
    "every second pixel": lambda x: x[:, :, ::2, ::2],
    "every third row, second column": lambda x: x[:, :, 1::3, 1::2],
    "a middle": lambda x: x[:, :, 2:6, 3:5],
    "one pixel": lambda x: x[:, :, 3:4, -1:],
    "the last row": lambda x: x[:, :, -1:],
    "narrow": lambda x: x.narrow(2, 1, 3),
    "some channels of a middle": lambda x: x[:, 2:6, 1:-1, 1:-1],
}


@pytest.mark.parametrize("name", CROPS)
def test_crops(name: str) -> None:
    torch.manual_seed(2)
    first, crop = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)), CROPS[name]
    channels = crop(first.eval()(torch.zeros(1, *SHAPE))).shape[1]

    class Cropped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.binary = first, BinaryConv2d(channels, 4, 1, bconfig=XN)

        def forward(self, x: Tensor) -> Tensor:
            return self.binary(crop(self.first(x))).mean((2, 3))

    proved(Cropped())


@pytest.mark.parametrize(
    "view", [lambda x: x.transpose(2, 3), lambda x: x[:, :, [0, 1, 3]], lambda x: x.flip(2), lambda x: x[:, :, :, 0]]
)
def test_other_arrangements_are_refused(view: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(ExportError, match="in a way that no operation of the format gives"):
        pack(Net(lambda s, x: s.f(view(s.c(x)).flatten(1)[:, :8])), SHAPE)


ONE_DIMENSION: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "MaxPool1d, ceil_mode": (nn.Sequential(nn.MaxPool1d(2, ceil_mode=True), nn.Flatten()), 64),
    "AdaptiveMaxPool1d(1)": (nn.Sequential(nn.AdaptiveMaxPool1d(1), nn.Flatten()), 8),
    "AdaptiveAvgPool1d(5)": (nn.Sequential(nn.AdaptiveAvgPool1d(5), nn.Flatten()), 40),
    "AvgPool1d": (nn.Sequential(nn.AvgPool1d(3, 3), nn.Flatten()), 40),
    "F.max_pool1d": (lambda x: F.max_pool1d(x, 3).flatten(1), 40),
    "F.avg_pool1d": (lambda x: F.avg_pool1d(x, 3, ceil_mode=True).flatten(1), 40),
    "mean(2)": (lambda x: x.mean(2), 8),
    "the last position": (lambda x: x[:, :, -1], 8),
    "some positions": (lambda x: x[:, :, 2:11:2].flatten(1), 40),
    "mean(-1)": (lambda x: torch.mean(x, dim=-1), 8),
    "pad of positions": (lambda x: F.pad(x, (1, 0)).flatten(1), 128),
    "pad of channels": (lambda x: F.pad(x, (0, 0, 1, 1)).flatten(1), 150),
}


@pytest.mark.parametrize("name", ONE_DIMENSION)
def test_one_dimension(name: str) -> None:
    tail, features = ONE_DIMENSION[name]
    proved(Sequence(tail, features).eval(), (3, 1, 15))


def test_a_mean_over_channels_of_as_many_positions_is_refused() -> None:
    with pytest.raises(ExportError, match="is a mean to"):
        pack(Sequence(lambda x: x.mean(1), 8).eval(), (3, 1, 8))


def test_dynamic_sizes_of_several_parities() -> None:
    with pytest.raises(ExportError, match="dynamic=True"):
        pack(Net(before(lambda s, x: F.pad(x, (0, x.shape[3] % 2)))), SHAPE, dynamic=True)


def test_dynamic_sizes_see_pools_behind_signs() -> None:
    model = nn.Sequential(
        *(BinaryConv2d(3, 8, 3, padding=1, bconfig=STE), nn.MaxPool2d(2, ceil_mode=True)),
        *(BinaryConv2d(8, 8, 3, padding=1, bconfig=STE), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    proved(model)
    with pytest.raises(ExportError, match="ceil_mode=True"):
        pack(model, SHAPE, dynamic=True)


def test_dynamic_sizes_refuse_constants_of_one_size() -> None:
    with pytest.raises(ExportError, match="a different operation for images of 9 x 10"):
        pack(Net(before(lambda s, x: x * (1 / x.size(2)) + 0.1)), SHAPE, dynamic=True)
