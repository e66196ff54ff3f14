"""Code written for the `bnn` package, its own tests included, with `bnn` replaced by `xnorkit.compat.bnn`."""

import copy
import importlib
from pathlib import Path

import pytest
import torch
from torch import nn

from xnorkit.compat.bnn import BConfig, Identity, convert, layers, models, ops, prepare_binary_model
from xnorkit.compat.bnn.models.layers import BasicBlock, HBlock, PreBasicBlock
from xnorkit.compat.bnn.ops import BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer
from xnorkit.ops import SteHeavisideBinarizer

WEIGHTS = torch.tensor([-0.0252, 0.0084, -0.0676, 0.0891, -0.0010, 0.0518, 0.0380, 0.2866, -0.0050])
DATA = torch.tensor(
    [-0.05263, -0.05068, -0.03849, 0.03104, 0.0772, 0.03038, -0.06640, 0.05894, 0.13059, 0.03433, -0.25811, 0.13785]
).view(1, 3, 2, 2)
CONFIG = BConfig(
    activation_pre_process=BasicInputBinarizer,
    activation_post_process=BasicScaleBinarizer,
    weight_pre_process=XNORWeightBinarizer,
)
CHEF = """
step0:
  pre_activation: {name: "BasicInputBinarizer"}
  post_activation: {name: "BasicScaleBinarizer"}
  weight: {name: "nn.Identity"}
  ignore_layer_names: ["_last_", "_first_"]
step1:
  pre_activation: {name: "BasicInputBinarizer"}
  post_activation: {name: "BasicScaleBinarizer"}
  weight: {name: "XNORWeightBinarizer", args: {compute_alpha: True, center_weights: True}}
  ignore_layer_names: ["_last_", "_first_"]
step2:
  pre_activation: {name: "BasicInputBinarizer"}
  post_activation: {name: "BasicScaleBinarizer"}
  weight: {name: "XNORWeightBinarizer", args: {compute_alpha: True, center_weights: False}}
"""

# What the package's own tests expect of each filter for these numbers, to 1e-4.
EXPECTED = torch.tensor([0.0337, -0.0473, -0.1099])


@pytest.mark.parametrize(
    ("layer", "shape", "x", "kind"),
    [
        (nn.Linear(3, 3, bias=False), (3, 3), DATA[:, :, 0, 0].reshape(1, 3), layers.Linear),
        (nn.Conv1d(3, 3, 1, bias=False), (3, 3, 1), DATA[:, :, :, 0].reshape(1, 3, 2), layers.Conv1d),
        (nn.Conv2d(3, 3, 1, bias=False), (3, 3, 1, 1), DATA, layers.Conv2d),
    ],
    ids=["linear", "conv1d", "conv2d"],
)
def test_layers_of_the_packages_own_tests(layer: nn.Module, shape: tuple, x: torch.Tensor, kind: type) -> None:
    layer.weight.data.copy_(WEIGHTS.view(shape))
    layer = prepare_binary_model(layer, bconfig=CONFIG)
    assert isinstance(layer, kind)
    expected = EXPECTED.reshape(1, 3, *(1,) * (x.dim() - 2)).expand(1, 3, *x.shape[2:]).clone()
    if x.dim() == 4:
        expected[..., 1, 1] *= -1  # the last pixel has the opposite signs
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-4)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 16, 1, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 1, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def test_chef_of_the_packages_own_tests(tmp_path: Path) -> None:
    path = tmp_path / "steps.yaml"
    path.write_text(CHEF, encoding="utf-8")
    chef = importlib.import_module("xnorkit.compat.bnn.engine").BinaryChef(str(path))
    assert len(chef) == 3
    model = copy.copy(network())
    model = chef.next(model)
    assert isinstance(model[3].activation_pre_process, SteHeavisideBinarizer), "as their sign(0) = 0 behind the ReLU"
    assert isinstance(model[3].activation_post_process, BasicScaleBinarizer)
    assert hasattr(model[3], "bconfig")
    assert isinstance(model[3].weight_pre_process, nn.Identity)
    assert type(model[0]) is nn.Conv2d
    assert type(model[8]) is nn.Linear
    model = chef.next(model)
    assert isinstance(model[3].weight_pre_process, XNORWeightBinarizer)
    alpha = model[3].activation_post_process.alpha
    with torch.no_grad():
        alpha.copy_(torch.rand_like(alpha))
    learned = alpha.detach().clone()
    model = chef.next(model)
    assert hasattr(model[0], "bconfig")
    assert not model[3].weight_pre_process.center_weights
    assert torch.equal(model[3].activation_post_process.alpha, learned)


def test_engine_has_nothing_else() -> None:
    engine = importlib.import_module("xnorkit.compat.bnn.engine")
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        _ = engine.Trainer


def test_names_and_custom_layers() -> None:
    layer = layers.Conv2d(3, 4, 3, bconfig=CONFIG)
    assert isinstance(layer.activation_post_process, BasicScaleBinarizer)
    assert type(layers.Linear(3, 4, bconfig=BConfig()).activation_post_process) is Identity
    with pytest.raises(ValueError, match="received an instance"):
        BConfig(activation_pre_process=BasicInputBinarizer())
    module = nn.Linear(3, 4)
    module.bconfig = CONFIG
    assert isinstance(convert(module), layers.Linear)
    for name in ops.__all__:
        assert isinstance(getattr(ops, name), type)


def test_sign_as_a_function() -> None:
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], requires_grad=True)
    y = ops.SignActivation.apply(x)
    y.sum().backward()
    assert y.tolist() == [-1, -1, 1, 1, 1]
    assert x.grad.tolist() == [0, 1, 1, 1, 0]
    torch.manual_seed(0)
    x = torch.full((4000,), 0.5, requires_grad=True)
    y = ops.SignActivationStochastic.apply(x)
    y.sum().backward()
    assert set(y.tolist()) == {-1.0, 1.0}
    assert abs(y.mean().item() - 0.5) < 0.05
    assert x.grad.eq(1).all()


def test_a_binarizer_of_ones_own() -> None:
    class Half(ops.BinarizerBase):
        def __init__(self, factor: float = 0.5) -> None:
            super().__init__()
            self.factor = factor

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.factor

    layer = prepare_binary_model(nn.Linear(2, 1), BConfig(weight_pre_process=Half.with_args(factor=2.0)))
    assert layer.weight_pre_process.factor == 2.0
    with pytest.raises(NotImplementedError, match="BinarizerBase has no forward"):
        ops.BinarizerBase()(torch.zeros(1))


@pytest.mark.parametrize("block", [None, BasicBlock, PreBasicBlock, HBlock])
def test_models(block: type | None) -> None:
    model = models.resnet18(block, num_classes=4, stem_type="dabnn")
    prepare_binary_model(model, CONFIG, ignore_layers_name=["_first_", "_last_"])
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 4)
    assert isinstance(model.layer1[0], BasicBlock if block is None else block)
    assert sum(p.numel() for p in models.resnet34().parameters()) == 21_797_672


def test_behind_a_relu_a_sign_is_theirs() -> None:
    """torch.sign of what a ReLU returns is 0 or 1; `convert` and `prepare_binary_model` give the same."""
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    for make in (prepared, converted):
        model = make(network())
        inner = model[2](model[1](model[0](x)))
        weight = model[3].weight.sign() * model[3].weight.abs().mean((1, 2, 3), keepdim=True)
        y = torch.nn.functional.conv2d(inner.sign(), weight, model[3].bias)
        assert 0 < (inner == 0).float().mean() < 1
        torch.testing.assert_close(model[3](inner), y * model[3].activation_post_process.alpha)


def prepared(model: nn.Sequential) -> nn.Module:
    return prepare_binary_model(model, CONFIG, ignore_layers_name=["_first_", "_last_"])


def converted(model: nn.Sequential) -> nn.Module:
    model[3].bconfig = CONFIG
    return convert(model)
