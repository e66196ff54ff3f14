"""Every model of the registry in every binarization: shapes, gradients, tracing, parameter counts."""

from typing import Any

import pytest
import torch
from torch import fx, nn

from xnorkit.models import binarizations, count_weights, create_model, input_shape, list_models
from xnorkit.nn import BinaryConv2d, BinaryLinear
from xnorkit.ops import ActivationBinarizer, OutputProcess

CASES = [(name, binarization) for name in list_models() for binarization in binarizations(name)]
# Small images where the layers allow it; the others have a linear layer or a pool of fixed size.
SMALL = {"lenet5": 28, "nin-cifar10": 32, "vgg-small-cifar10": 32, "nin": 67, "alexnet": 227, "alexnet-224": 224}
CIFAR, OTHER = 16, 32
LATENT = (BinaryConv2d, BinaryLinear)
# Parameters, and weights of layers that binarizations other than "float" make binary; see test_counts.
COUNTS = {
    "alexnet": (62_415_592, 58_236_928),
    "alexnet-224": (62_397_672, 58_236_928),
    "bireal-resnet18": (11_689_512, 10_985_472),
    "bireal-resnet34": (21_797_672, 21_086_208),
    "bireal-resnet50": (25_729_064, 20_672_512),
    "lenet5": (431_220, 425_000),
    "nin": (7_603_880, 6_531_072),
    "nin-cifar10": (969_418, 949_248),
    "quicknet": (13_234_056, 12_533_760),
    "quicknet-large": (23_342_216, 22_634_496),
    "quicknet-small": (12_655_672, 11_980_800),
    "reactnet-a": (29_343_592, 28_253_184),
    "reactnet-resnet18": (11_704_424, 10_985_472),
    "reactnet-resnet18-cifar10": (11_188_874, 10_985_472),
    "resnet18": (11_688_616, 10_985_472),
    "resnet18-cifar10": (11_173_066, 10_985_472),
    "resnet20-cifar10": (272_378, 267_264),
    "resnet34": (21_796_776, 21_086_208),
    "resnet34-cifar10": (21_281_226, 21_086_208),
    "resnet50": (25_553_064, 20_676_608),
    "resnet50-cifar10": (23_516_874, 20_676_608),
    "vgg-small-cifar10": (4_660_106, 4_571_136),
}


class Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        own = isinstance(m, (*LATENT, ActivationBinarizer, OutputProcess))
        return own or super().is_leaf_module(m, module_qualified_name)


def small_images(name: str) -> torch.Tensor:
    size = SMALL.get(name, CIFAR if name.endswith("cifar10") else OTHER)
    return torch.randn(2, input_shape(name)[0], size, size)


def binary_layers(model: nn.Module) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, LATENT)]


@pytest.mark.parametrize(("name", "binarization"), CASES)
def test_forward_backward_and_trace(name: str, binarization: str) -> None:
    torch.manual_seed(0)
    # AlexNet takes seconds: other binarizations than its default are checked without numbers.
    empty = name.startswith("alexnet") and binarization != binarizations(name)[0]
    with torch.device("meta" if empty else "cpu"):
        model, images = create_model(name, num_classes=3, binarization=binarization), small_images(name)
        logits = model(images)
        assert logits.shape == (2, 3)
        (logits * torch.randn(2, 3)).sum().backward()
    gradients = {key: p.grad for key, p in model.named_parameters() if p.requires_grad}
    assert [key for key, gradient in gradients.items() if gradient is None] == []
    if empty:
        return
    assert all(g.isfinite().all() for g in gradients.values() if g is not None)
    assert all(layer.weight.grad.any() for layer in binary_layers(model)), "a latent weight without gradient"
    model.eval()
    traced = fx.GraphModule(model, Tracer().trace(model))
    with torch.no_grad():
        assert torch.equal(traced(images[:1]), model(images[:1]))


@pytest.mark.parametrize(("name", "binarization"), CASES)
def test_bits(name: str, binarization: str) -> None:
    """What the binarization says of itself: no binary layer, float activations, or nothing but bits and K."""
    with torch.device("meta"):
        layers = binary_layers(create_model(name, binarization=binarization))
    reasons = {layer.bit_reason() for layer in layers}
    expected: dict[str, Any] = {
        "float": set(),
        "bwn": {"activations are not binarized"},
        "xnor-k": {"output: multiplies the output in float by the map K of the input's magnitudes"},
    }
    assert reasons == expected.get(binarization, {None})
    assert sum(layer.weight.numel() for layer in layers) == (0 if binarization == "float" else COUNTS[name][1])


@pytest.mark.parametrize("name", list_models())
def test_counts(name: str) -> None:
    """LeNet-5, NIN for CIFAR-10 and AlexNet as the reference counts them, QuickNet as Larq Zoo does (see its test)."""
    assert count_weights(name) == COUNTS[name]


@pytest.mark.parametrize("name", list_models())
def test_first_and_last_layer_are_float(name: str) -> None:
    with torch.device("meta"):
        model = create_model(name)
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert not isinstance(layers[0], LATENT)
    assert not isinstance(layers[-1], LATENT)
    default = (3, 32, 32) if name.endswith("cifar10") else (3, 224, 224)
    shapes = {"lenet5": (1, 28, 28), "alexnet": (3, 227, 227), "nin": (3, 227, 227)}
    assert input_shape(name) == shapes.get(name, default)
    assert layers[-1].weight.shape[0] == (10 if name.endswith("cifar10") or name == "lenet5" else 1000)
