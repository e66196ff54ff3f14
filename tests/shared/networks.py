"""Small networks with awkward statistics, as an exporter meets them."""

import torch
from torch import Tensor, nn

from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, prepare_binary_model
from xnorkit.ops import (
    AdvancedInputBinarizer,
    ApproxSignBinarizer,
    BasicInputBinarizer,
    BWNWeightBinarizer,
    EDEInputBinarizer,
    InputBiasBinarizer,
    IRNetWeightBinarizer,
    LearnableScaleWeightBinarizer,
    MagnitudeAwareWeightBinarizer,
    ReCUInputBinarizer,
    ReCUWeightBinarizer,
    SignWeightBinarizer,
    SteHeavisideBinarizer,
    SwishSignBinarizer,
    XNORWeightBinarizer,
)


def randomize_(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every batch norm random statistics, negative and zero scales included, and every bias random values."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.5)
                module.running_var.copy_(torch.rand(module.num_features, generator=generator) * 2 + 0.1)
                if module.affine:
                    module.weight.copy_(torch.randn(module.num_features, generator=generator))
                    module.weight[:: max(2, module.num_features // 3)] = 0.0
                    module.bias.copy_(torch.randn(module.num_features, generator=generator) * 0.3)
            elif getattr(module, "bias", None) is not None:
                module.bias.copy_(torch.randn(module.bias.shape, generator=generator) * 0.2)
    return model.eval()


def conv_net() -> nn.Module:
    """Odd channels, strides, asymmetric image, ceil-mode and overlapping pools before and after activations."""
    return nn.Sequential(
        nn.Conv2d(3, 13, 3, padding=1),
        nn.BatchNorm2d(13),
        nn.Hardtanh(),
        nn.MaxPool2d(3, 2, padding=1),
        BinaryConv2d(13, 37, 3, padding=1),
        nn.BatchNorm2d(37),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.BatchNorm2d(37),
        BinaryConv2d(37, 65, (3, 2), stride=(1, 2), padding=(1, 0), dilation=(1, 2), bias=False),
        nn.Dropout(),
        nn.ReLU6(),
        nn.BatchNorm2d(65),
        nn.Identity(),
        BinaryConv2d(65, 20, 1, scale=False),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(20 * 5, 7),
    )


def position_net() -> nn.Module:
    """A batch norm behind the flatten treats every position on its own."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        BinaryConv2d(6, 9, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.BatchNorm1d(9 * 4 * 4),
        BinaryLinear(9 * 4 * 4, 33),
        nn.BatchNorm1d(33),
        BinaryLinear(33, 40),
        nn.PReLU(),
        BinaryLinear(40, 5),
    )


def binary_first() -> nn.Module:
    """The image itself is binarized."""
    return nn.Sequential(BinaryConv2d(2, 34, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(34), BinaryConv2d(34, 3, 4))


class Functional(nn.Module):
    """Functional calls and view idioms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.binary = BinaryConv2d(8, 16, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc = BinaryLinear(16 * 2 * 2, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.binary(self.bn(torch.relu(self.conv(x))))
        x = self.pool(x - 0) if self.training else self.pool(x)
        return self.fc(x.view(x.size(0), -1)).relu()


class NoNorm(nn.Module):
    """No batch norm between two binary layers: signs of sums that are often exactly 0."""

    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.c, self.n, self.n2 = first, nn.BatchNorm2d(16), nn.BatchNorm2d(16)
        self.a, self.b = (BinaryConv2d(16, 16, 3, padding=1, bias=False) for _ in range(2))
        self.f = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(self.n(self.c(x)))
        return self.f((self.n2(self.b(y)) + y).mean((2, 3)))


def configured(**processes: object) -> nn.Module:
    """The first layer float by `BConfig()`, then layers with other binarizers, prepared as a user would."""
    model = nn.Sequential(
        nn.Conv2d(1, 7, 3),
        nn.BatchNorm2d(7),
        nn.Conv2d(7, 33, 3),
        nn.BatchNorm2d(33),
        nn.Hardtanh(),
        nn.Flatten(),
        nn.Linear(33 * 4 * 4, 6),
    )
    config = BConfig(**processes)
    model = prepare_binary_model(model, config, custom_config_layers_name={"0": BConfig()})
    for module in model.modules():
        if isinstance(module, InputBiasBinarizer):
            nn.init.normal_(module.bias, std=0.5)
    return model


INPUTS = (
    *(BasicInputBinarizer, ApproxSignBinarizer, SwishSignBinarizer, AdvancedInputBinarizer),
    *(InputBiasBinarizer, EDEInputBinarizer, ReCUInputBinarizer, SteHeavisideBinarizer),
)
WEIGHTS = (
    *(XNORWeightBinarizer, BWNWeightBinarizer, SignWeightBinarizer, LearnableScaleWeightBinarizer),
    *(MagnitudeAwareWeightBinarizer, ReCUWeightBinarizer, IRNetWeightBinarizer),
)
# Every activation binarizer with one weight binarizer, and the other way round.
CONFIGURED = {
    **{i.__name__: (i, XNORWeightBinarizer) for i in INPUTS},
    **{w.__name__: (InputBiasBinarizer, w) for w in WEIGHTS},
    "centred": (InputBiasBinarizer, XNORWeightBinarizer.with_args(center_weights=True)),
}

CASES = {
    "conv_net": (conv_net, (3, 19, 16)),
    "position_net": (position_net, (1, 8, 8)),
    "binary_first": (binary_first, (2, 8, 8)),
    "functional": (Functional, (1, 8, 8)),
}
