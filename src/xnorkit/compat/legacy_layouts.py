"""The known old layouts: their marks, their recipes, and their names in this library."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from xnorkit.compat.bnn_layout import bnn_names, bnn_recipe
from xnorkit.compat.legacy_inputs import CIFAR_INPUTS, LegacyInput
from xnorkit.errors import InputError
from xnorkit.train import Recipe, load_recipe

__all__ = ["LAYOUTS", "Layout", "layout_of"]

Weights = Mapping[str, Tensor]
Rename = Callable[[str, Tensor], dict[str, Tensor]]


@dataclass(frozen=True)
class Layout:
    """One kind of old checkpoint.

    Attributes:
        title: its name in messages.
        marks: names that all its files hold and that other layouts lack.
        recipe: a function that returns the recipe of its model, and the assumptions made.
        last: the name of its last weight, whose length is the number of classes.
        classes: the number of classes if that weight is missing.
        rename: a function from a name and tensor of the file to those of this library.
        latent: whether its weights must be centred and clamped once more before they are binarized, which its code does
            at the start of every evaluation.
        mean, std: the normalisation of pixels in its code; None if there are several.
        inputs: the possible inputs of its network by name, if its files do not record them; otherwise empty.
    """

    title: str
    marks: tuple[str, ...]
    recipe: Callable[[Weights], tuple[Recipe, tuple[str, ...]]]
    last: str
    classes: int
    rename: Rename = field(default=lambda name, value: {name: value})
    latent: bool = True
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    inputs: Mapping[str, LegacyInput] = field(default_factory=dict)

    def num_classes(self, weights: Weights) -> int:
        """Return the number of rows of the last weight."""
        last = weights.get(self.last)
        return self.classes if last is None or last.dim() == 0 or not len(last) else len(last)


def layout_of(weights: Weights, source: str) -> Layout:
    """Return the layout of the names of `weights`; `source` is the file in errors.

    Raises:
        InputError: the names fit no known layout.
    """
    found = next((layout for layout in LAYOUTS if all(mark in weights for mark in layout.marks)), None)
    if found is None:
        known = "; ".join(f"{layout.title} ({', '.join(layout.marks)})" for layout in LAYOUTS)
        names = ", ".join(list(weights)[:5])
        raise InputError(
            f"{source} holds {len(weights)} tensors, {names}, …, but its layout must be one of {known}. For other "
            "networks, build the model with xnorkit.nn and use its load_state_dict."
        )
    return found


def _shipped(name: str) -> Callable[[Weights], tuple[Recipe, tuple[str, ...]]]:
    return lambda weights: (load_recipe(name), ())


def _prefixes(table: Mapping[str, str]) -> Rename:
    """Return a function that renames the first part of a name."""

    def rename(name: str, value: Tensor) -> dict[str, Tensor]:
        first, dot, rest = name.partition(".")
        return {f"{table.get(first, first)}{dot}{rest}": value}

    return rename


LAYOUTS = (
    Layout(
        "XNOR-Net-PyTorch, LeNet-5 on MNIST",
        ("bin_conv2.conv.weight",),
        _shipped("lenet5-mnist-seed"),
        "ip2.weight",
        10,
        _prefixes({"bn_conv1": "bn1", "bin_conv2": "block2", "bin_ip1": "block3", "ip2": "classifier"}),
        mean=(0.1307,),
        std=(0.3081,),
    ),
    Layout(
        "XNOR-Net-PyTorch, NIN on CIFAR-10",
        ("xnor.3.conv.weight",),
        _shipped("nin-cifar10-seed"),
        "xnor.13.weight",
        10,
        inputs=CIFAR_INPUTS,
    ),
    Layout(
        "XNOR-Net-PyTorch, AlexNet on ImageNet",
        ("features.4.conv.weight",),
        _shipped("alexnet-imagenet-seed"),
        "classifier.4.weight",
        1000,
        mean=(0.485, 0.456, 0.406),
        std=(1 / 255, 1 / 255, 1 / 255),
    ),
    Layout("bnn, ResNet", ("layer1.0.conv1.weight",), bnn_recipe, "fc.weight", 1000, bnn_names, latent=False),
)
