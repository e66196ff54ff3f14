"""Files as XNOR-Net-PyTorch and the `bnn` package wrote them: networks with their names, and how they were saved."""

import pickle
import types
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.compat import BinConv2d
from xnorkit.models import PreBasicBlock
from xnorkit.models.resnets import resnet

__all__ = ["NIN", "LeNet5", "bnn_resnet18", "in_parallel", "randomize_", "save", "state_of"]


class _Clamped(nn.Module):
    """Clamps the weights of batch normalizations when it is called, as LeNet-5 and NIN do."""

    def forward(self, x: Tensor) -> Tensor:
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d) and module.weight is not None:
                module.weight.data.clamp_(min=0.01)
        return self.layers(x).flatten(1)

    def layers(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class LeNet5(_Clamped):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.bn_conv1 = nn.BatchNorm2d(20, eps=1e-4, affine=False)
        self.relu_conv1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.bin_conv2 = BinConv2d(20, 50, kernel_size=5, stride=1, padding=0)
        self.pool2 = nn.MaxPool2d(2)
        self.bin_ip1 = BinConv2d(800, 500, Linear=True, previous_conv=True, size=16)
        self.ip2 = nn.Linear(500, 10)

    def layers(self, x: Tensor) -> Tensor:
        for child in self.children():
            x = child(x)
        return x


class NIN(_Clamped):
    def __init__(self) -> None:
        super().__init__()
        block = partial(BinConv2d, stride=1)
        self.xnor = nn.Sequential(
            nn.Conv2d(3, 192, 5, padding=2),
            nn.BatchNorm2d(192, eps=1e-4, affine=False),
            nn.ReLU(),
            block(192, 160, kernel_size=1, padding=0),
            block(160, 96, kernel_size=1, padding=0),
            nn.MaxPool2d(3, 2, 1),
            block(96, 192, kernel_size=5, padding=2, dropout=0.5),
            block(192, 192, kernel_size=1, padding=0),
            block(192, 192, kernel_size=1, padding=0),
            nn.AvgPool2d(3, 2, 1),
            block(192, 192, kernel_size=3, padding=1, dropout=0.5),
            block(192, 192, kernel_size=1, padding=0),
            nn.BatchNorm2d(192, eps=1e-4, affine=False),
            nn.Conv2d(192, 10, 1),
            nn.ReLU(),
            nn.AvgPool2d(8),
        )

    def layers(self, x: Tensor) -> Tensor:
        return self.xnor(x)


def bnn_resnet18(classes: int, activation: type[nn.Module] = nn.PReLU, stem: str = "basic") -> nn.Module:
    """Return the float ResNet-18 of the package's ImageNet example; its blocks have `activation(channels)`."""

    def block(in_channels: int, out_channels: int, stride: int, _activation: object) -> nn.Module:
        return PreBasicBlock(in_channels, out_channels, stride, activation)

    return resnet(18, classes, block_type=block, stem_type=stem)  # type: ignore[arg-type]


@torch.no_grad()
def randomize_(model: nn.Module, seed: int = 0) -> nn.Module:
    """Draw every weight, statistic and learned scale of `model` anew, with a mean that is not 0."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        drawn = torch.randn(value.shape, generator=generator)
        if name.endswith("running_var"):
            value.copy_(1 + drawn.abs())
        elif value.dim() == 1 and name.endswith("weight") and "bn" in name:
            value.copy_(1 + drawn)  # a sixth of them below 0.01
        else:
            value.copy_(0.4 * drawn + 0.1)
    return model


def state_of(model: nn.Module, *, counters: bool = True) -> OrderedDict[str, Tensor]:
    """Return the tensors of `model`, on demand without the counters that PyTorch had not before 0.4.1."""
    kept = ((name, value) for name, value in model.state_dict().items() if counters or "num_batches" not in name)
    return OrderedDict(kept)


def in_parallel(state: dict[str, Tensor], behind: str = "") -> OrderedDict[str, Tensor]:
    """Return `state` with the names of a DataParallel around the module `behind` ("" for all of the model)."""
    start = f"{behind}." if behind else ""
    return OrderedDict(
        (f"{start}module.{name.removeprefix(start)}" if name.startswith(start) else name, value)
        for name, value in state.items()
    )


class _Python2Pickler(pickle._Pickler):
    """Writes strings as Python 2 does: as bytes (opcodes U and T)."""

    def __init__(self, file: Any, protocol: int = 2) -> None:
        super().__init__(file, protocol)

    def _save_string(self, text: str) -> None:
        content = text.encode()
        self.write(b"U" + bytes([len(content)]) + content)
        self.memoize(text)

    dispatch = pickle._Pickler.dispatch | {str: _save_string}


def _dump(value: object, file: Any, protocol: int = 2) -> None:
    _Python2Pickler(file, protocol).dump(value)


PYTHON2 = types.SimpleNamespace(__name__="pickle", Pickler=_Python2Pickler, dump=_dump)


def save(content: object, path: Path, how: str = "zip") -> Path:
    """Write `content` and return `path`; `how` is "zip", "old" (PyTorch before 1.6) or "python2" (and Python 2)."""
    options: dict[str, Any] = {"pickle_module": PYTHON2} if how == "python2" else {}
    torch.save(content, path, _use_new_zipfile_serialization=how == "zip", **options)
    return path
