"""The table of the registry: name -> the constructor of the model, its input, classes and binarizations."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from torch import nn

from xnorkit.models.alexnet import AlexNet
from xnorkit.models.alexnet_224 import AlexNet224
from xnorkit.models.binary_resnet import binary_resnet
from xnorkit.models.bireal_resnet50 import BiRealResNet50
from xnorkit.models.lenet5 import LeNet5
from xnorkit.models.nin import NIN
from xnorkit.models.nin_cifar10 import NINCifar10
from xnorkit.models.quicknet import QuickNet
from xnorkit.models.reactnet_a import ReActNetA
from xnorkit.models.vgg_small import VGGSmall

__all__ = ["ENTRIES", "Entry"]

MNIST = ((1, 28, 28), 10)
CIFAR10 = ((3, 32, 32), 10)
IMAGENET = ((3, 224, 224), 1000)
IMAGENET_227 = ((3, 227, 227), 1000)

XNOR = ("xnor", "xnor-k", "bwn", "float")
RESNET = (*XNOR, "bireal", "react")
RESNET_CIFAR = (*RESNET, "irnet", "recu")
BIREAL = ("bireal", "xnor", "bwn", "float")
REACT = ("react", "xnor", "bwn", "float")
QUICKNET = ("quicknet", "xnor", "bwn", "float")


@dataclass(frozen=True)
class Entry:
    """A model of the registry.

    Attributes:
        make: the constructor, which takes num_classes, binarization and the model's own options by keyword.
        data: the shape (C, H, W) of its images, and the default number of classes.
        binarizations: the names of `BINARIZATIONS` that it offers, the default first.
        fixed: the names of options that `make` has already set.
    """

    make: Callable[..., nn.Module]
    data: tuple[tuple[int, int, int], int]
    binarizations: tuple[str, ...]
    fixed: tuple[str, ...] = field(default=())

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the options other than num_classes and binarization."""
        taken = {"num_classes", "binarization", *self.fixed}
        return tuple(name for name in inspect.signature(self.make).parameters if name not in taken)


def _resnet(depth: int, binarizations: tuple[str, ...], *, cifar: bool = False, block: str | None = None) -> Entry:
    settled: dict[str, object] = {"depth": depth}
    if cifar:
        settled["stem_type"] = "cifar"
    if block:
        settled["block_type"] = block
    return Entry(partial(binary_resnet, **settled), CIFAR10 if cifar else IMAGENET, binarizations, tuple(settled))  # type: ignore[arg-type]


ENTRIES: dict[str, Entry] = {
    "alexnet": Entry(AlexNet, IMAGENET_227, XNOR),
    "alexnet-224": Entry(AlexNet224, IMAGENET, XNOR),
    "bireal-resnet18": _resnet(18, BIREAL, block="bireal"),
    "bireal-resnet34": _resnet(34, BIREAL, block="bireal"),
    "bireal-resnet50": Entry(BiRealResNet50, IMAGENET, BIREAL),
    "lenet5": Entry(LeNet5, MNIST, XNOR),
    "nin": Entry(NIN, IMAGENET_227, XNOR),
    "nin-cifar10": Entry(NINCifar10, CIFAR10, XNOR),
    "quicknet": Entry(QuickNet, IMAGENET, QUICKNET, ("size",)),
    "quicknet-large": Entry(partial(QuickNet, size="large"), IMAGENET, QUICKNET, ("size",)),
    "quicknet-small": Entry(partial(QuickNet, size="small"), IMAGENET, QUICKNET, ("size",)),
    "reactnet-a": Entry(ReActNetA, IMAGENET, REACT),
    "reactnet-resnet18": _resnet(18, REACT, block="react"),
    "reactnet-resnet18-cifar10": _resnet(18, REACT, cifar=True, block="react"),
    "resnet18": _resnet(18, RESNET),
    "resnet18-cifar10": _resnet(18, RESNET_CIFAR, cifar=True),
    "resnet20-cifar10": _resnet(20, RESNET_CIFAR, cifar=True),
    "resnet34": _resnet(34, RESNET),
    "resnet34-cifar10": _resnet(34, RESNET, cifar=True),
    "resnet50": _resnet(50, XNOR),
    "resnet50-cifar10": _resnet(50, XNOR, cifar=True),
    "vgg-small-cifar10": Entry(VGGSmall, CIFAR10, (*XNOR, "bnn", "irnet", "recu")),
}
