"""The table of the registry: name -> who makes the model, its input, classes and binarizations; needs no torch."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

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
        made_by: module of this package and the function or class in it, as "lenet5:LeNet5".
        data: shape (C, H, W) of its images, and the default number of classes.
        binarizations: names of `BINARIZATIONS` that it offers, the default first.
        settled: options that the name stands for, with their values.
    """

    made_by: str
    data: tuple[tuple[int, int, int], int]
    binarizations: tuple[str, ...]
    settled: Mapping[str, object] = field(default_factory=dict)

    @property
    def make(self) -> "Callable[..., nn.Module]":
        """What makes it: takes num_classes, binarization and the model's own options by keyword."""
        module, _, name = self.made_by.partition(":")
        maker: Any = getattr(import_module(f"xnorkit.models.{module}"), name)
        return partial(maker, **self.settled)

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options other than num_classes and binarization."""
        taken = {"num_classes", "binarization", *self.settled}
        return tuple(name for name in inspect.signature(self.make).parameters if name not in taken)


def _resnet(depth: int, binarizations: tuple[str, ...], *, cifar: bool = False, block: str | None = None) -> Entry:
    settled: dict[str, object] = {"depth": depth}
    if cifar:
        settled["stem_type"] = "cifar"
    if block:
        settled["block_type"] = block
    return Entry("binary_resnet:binary_resnet", CIFAR10 if cifar else IMAGENET, binarizations, settled)


ENTRIES: dict[str, Entry] = {
    "alexnet": Entry("alexnet:AlexNet", IMAGENET_227, XNOR),
    "alexnet-224": Entry("alexnet_224:AlexNet224", IMAGENET, XNOR),
    "bireal-resnet18": _resnet(18, BIREAL, block="bireal"),
    "bireal-resnet34": _resnet(34, BIREAL, block="bireal"),
    "bireal-resnet50": Entry("bireal_resnet50:BiRealResNet50", IMAGENET, BIREAL),
    "lenet5": Entry("lenet5:LeNet5", MNIST, XNOR),
    "nin": Entry("nin:NIN", IMAGENET_227, XNOR),
    "nin-cifar10": Entry("nin_cifar10:NINCifar10", CIFAR10, XNOR),
    "quicknet": Entry("quicknet:QuickNet", IMAGENET, QUICKNET, {"size": "medium"}),
    "quicknet-large": Entry("quicknet:QuickNet", IMAGENET, QUICKNET, {"size": "large"}),
    "quicknet-small": Entry("quicknet:QuickNet", IMAGENET, QUICKNET, {"size": "small"}),
    "reactnet-a": Entry("reactnet_a:ReActNetA", IMAGENET, REACT),
    "reactnet-resnet18": _resnet(18, REACT, block="react"),
    "reactnet-resnet18-cifar10": _resnet(18, REACT, cifar=True, block="react"),
    "resnet18": _resnet(18, RESNET),
    "resnet18-cifar10": _resnet(18, RESNET_CIFAR, cifar=True),
    "resnet20-cifar10": _resnet(20, RESNET_CIFAR, cifar=True),
    "resnet34": _resnet(34, RESNET),
    "resnet34-cifar10": _resnet(34, RESNET, cifar=True),
    "resnet50": _resnet(50, XNOR),
    "resnet50-cifar10": _resnet(50, XNOR, cifar=True),
    "vgg-small-cifar10": Entry("vgg_small:VGGSmall", CIFAR10, (*XNOR, "bnn", "irnet", "recu")),
}
