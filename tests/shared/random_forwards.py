"""Random networks as users write them, from a seed: modules, calls, writes in place, views, idioms, mistakes.

A network is a list of steps. Each step is drawn from `STEPS`, a table of what a forward may do with a value (N, C, H,
W); some of them cannot be packed, and some are faults that must be refused. What counts is that none is packed to
another answer than the model's.
"""

import itertools
import random
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, Identity
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    InputBiasBinarizer,
    RPReLU,
    SignWeightBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)

__all__ = ["STEPS", "RandomForward", "random_forward"]

Step = Callable[["RandomForward", Tensor], Tensor]
Maker = Callable[[random.Random, tuple[int, ...]], Any]


class RandomForward(nn.Module):
    """Runs its steps one after the other; a step is a module, or a function of the network and the value."""

    def __init__(self, steps: list[Any], names: list[str]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(step if isinstance(step, nn.Module) else nn.Identity() for step in steps)
        self.steps = [None if isinstance(step, nn.Module) else step for step in steps]
        self.names = names
        self.kept: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        for layer, step in zip(self.layers, self.steps, strict=True):
            x = layer(x) if step is None else step(self, x)
        return x


def _config(r: random.Random) -> BConfig:
    inputs = r.choice([BasicInputBinarizer, BasicInputBinarizer, InputBiasBinarizer])
    outputs = r.choice([Identity, Identity, Identity, BasicScaleBinarizer, RPReLU, XNORScaleBinarizer])
    weights = r.choice([XNORWeightBinarizer, SignWeightBinarizer])
    if r.random() < 0.1:
        return BConfig(weight_pre_process=weights)
    return BConfig(inputs, outputs, weights)


def _binary(r: random.Random, shape: tuple[int, ...]) -> nn.Module:
    channels, out = shape[1], r.choice([3, 5, 8, 16, 33])
    groups = r.choice([g for g in (1, 1, 1, 2, channels) if channels % g == 0 and out % g == 0])
    kernel = r.choice([k for k in (1, 2, 3, 3, 5) if k <= min(shape[2:]) + 2])
    options = {"padding": r.choice([1, 1, 2]) if kernel > 1 else 0, "stride": r.choice([1, 1, 2]), "groups": groups}
    return BinaryConv2d(channels, out, kernel, bias=r.random() < 0.5, bconfig=_config(r), **options)


def _conv(r: random.Random, shape: tuple[int, ...]) -> nn.Module:
    return nn.Conv2d(shape[1], r.choice([4, 8, 12]), 3, padding=1, bias=r.random() < 0.5)


def _norm(r: random.Random, shape: tuple[int, ...]) -> nn.Module:
    return r.choice([nn.BatchNorm2d, nn.BatchNorm2d, nn.SyncBatchNorm])(shape[1])


def _activation(r: random.Random, _: tuple[int, ...]) -> nn.Module:
    inplace = r.random() < 0.5
    make = r.choice([nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.Hardswish, nn.SiLU, nn.ELU])
    return r.choice([make(inplace=inplace), nn.PReLU(), nn.Sigmoid(), nn.Tanh(), nn.GELU(), nn.Softplus()])


def _pool(r: random.Random, shape: tuple[int, ...]) -> nn.Module:
    if min(shape[2:]) < 2:
        return nn.Identity()
    ceil = r.random() < 0.5
    return r.choice(
        [
            nn.MaxPool2d(2, ceil_mode=ceil),
            nn.MaxPool2d(2, 1, 1),
            nn.AvgPool2d(2, ceil_mode=ceil, count_include_pad=r.random() < 0.5),
            nn.AdaptiveAvgPool2d(r.choice([1, 2, 3])),
            nn.AdaptiveMaxPool2d(r.choice([1, 2])),
        ]
    )


def _residual(r: random.Random, shape: tuple[int, ...]) -> nn.Module:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(shape[1])
            self.conv = BinaryConv2d(shape[1], shape[1], 3, padding=1, bias=False, bconfig=_config(r))
            self.style = r.choice(["+", "+=", "add_", "alias", "relu"])

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(self.norm(x))
            if self.style == "+":
                return x + y
            if self.style == "+=":
                y += x
                return y
            if self.style == "add_":
                y.add_(x)
                return y
            if self.style == "alias":
                keep = x
                x = x.clone()
                x += y
                return x + keep
            return F.relu(x + y, inplace=True)

    return Residual()


def _constant(r: random.Random, shape: tuple[int, ...]) -> Step:
    number = r.choice([0.5, -0.25, 2.0, 3, 0.1])
    tensor = torch.randn(shape[1], 1, 1)
    return r.choice(
        [
            lambda _, x: x * number,
            lambda _, x: x + number,
            lambda _, x: number - x,
            lambda _, x: x / number,
            lambda _, x: x * tensor,
            lambda _, x: x - tensor,
            lambda _, x: x.mul_(number),
            lambda _, x: -x,
        ]
    )


def _write(r: random.Random, _: tuple[int, ...]) -> Step:
    def keep_and_write(_s: RandomForward, x: Tensor) -> Tensor:
        keep = x
        x.relu_()
        return x + keep * 0.5

    def view_and_write(_s: RandomForward, x: Tensor) -> Tensor:
        v = x[:, : max(1, x.shape[1] // 2)]
        x.add_(0.25)
        return torch.cat([x, v], 1)

    def part(_s: RandomForward, x: Tensor) -> Tensor:
        x = x * 1
        x[:, :1].mul_(2)
        return x

    def functional(_s: RandomForward, x: Tensor) -> Tensor:
        y = F.relu(x, inplace=True)
        return torch.add(x, y)

    return r.choice([keep_and_write, view_and_write, part, functional])


def _view(r: random.Random, shape: tuple[int, ...]) -> Step:
    half = max(1, shape[1] // 2)
    order = list(range(shape[1]))
    r.shuffle(order)
    return r.choice(
        [
            lambda _, x: torch.cat(x.split([half, x.shape[1] - half], 1)[::-1], dim=1) if x.shape[1] > half else x,
            lambda _, x: x[:, order],
            lambda _, x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
            lambda _, x: x.flatten(1).view(x.shape),
            lambda _, x: x.repeat_interleave(2, 1),
            lambda _, x: torch.cat(tensors=[x, x], dim=1),
            lambda _, x: x[:, :, ::2, ::2],
            lambda _, x: x.flip(1),
            lambda _, x: x.transpose(2, 3),
            lambda _, x: F.pad(x, (1, 0, 0, 1)),
            lambda _, x: F.pad(x, (0, 0, 0, 0, 1, 1)),
        ]
    )


def _call(r: random.Random, shape: tuple[int, ...]) -> Step:
    low, high = r.choice([(-0.5, 0.5), (0.0, None), (None, 0.25), (0.5, -0.5), (0.25, 0.25)])
    small = min(shape[2:]) < 2
    return r.choice(
        [
            lambda _, x: torch.clamp(input=x, min=low, max=high),
            lambda _, x: F.avg_pool2d(input=x, kernel_size=1 if small else 2),
            lambda _, x: x if small else F.max_pool2d(x, kernel_size=2, stride=1),
            lambda _, x: F.adaptive_avg_pool2d(x, 1) * x,
            lambda _, x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
            lambda _, x: F.hardtanh(x) + F.leaky_relu(x, 0.1),
            lambda _, x: F.dropout(x, 0.5, training=False),
            lambda _, x: torch.where(x > 0, x, 0.1 * x),
            lambda _, x: x * x,
            lambda _, x: x.abs(),
            lambda _, x: F.softmax(x, 1),
        ]
    )


def _fault(r: random.Random, shape: tuple[int, ...]) -> Step:
    def state(s: RandomForward, x: Tensor) -> Tensor:
        y = x if s.kept is None else x + s.kept.mean()
        s.kept = x.detach().clone()
        return y

    return r.choice(
        [
            state,
            lambda _, x: F.dropout(x, 0.3),
            lambda _, x: x + torch.rand(1),
            lambda _, x: x + x.size(0),
            lambda _, x: x - x.mean(0),
            lambda _, x: x - x.mean((1, 2), keepdim=True),
            lambda _, x: x - x.mean((1, 3), keepdim=True),
            lambda _, x: x if x.sum() > 0 else -x,
            lambda _, x: x / x.max().item(),
            lambda _, x: x if torch.is_grad_enabled() else -x,
            lambda _, x: F.batch_norm(x, torch.zeros(shape[1]), torch.ones(shape[1]), training=True),
            lambda _, x: x * random.random(),
        ]
    )


STEPS: dict[str, tuple[Maker, int]] = {
    "binary": (_binary, 30),
    "residual": (_residual, 12),
    "norm": (_norm, 14),
    "activation": (_activation, 10),
    "constant": (_constant, 8),
    "view": (_view, 8),
    "call": (_call, 8),
    "pool": (_pool, 7),
    "write": (_write, 7),
    "conv": (_conv, 4),
    "fault": (_fault, 2),
}
"""What makes a step for a value of a shape, and how often it is drawn."""


def random_forward(seed: int) -> tuple[nn.Module, tuple[int, int, int]]:
    """Return the network of a seed, in evaluation mode, and the shape of one image.

    Weights and images are drawn so that a float first layer's sums are exact: multiples of 1/8, so that a sign that
    sits on zero sits there in any order of summation.
    """
    r = random.Random(seed)
    torch.manual_seed(seed)
    shape = (r.choice([1, 2, 3]), r.choice([4, 5, 6, 8]), r.choice([4, 6, 7, 8]))
    model = RandomForward([], [])
    channels = r.choice([4, 6, 8])
    _append(model, "conv", nn.Conv2d(shape[0], channels, 3, padding=1, bias=r.random() < 0.5))
    kinds, weights = list(STEPS), [weight for _, weight in STEPS.values()]
    for kind in r.choices(kinds, weights, k=r.randint(2, 6)):
        value = _value(model, shape)
        if value is None or value.shape[1] > 96:
            break
        made = STEPS[kind][0](r, tuple(value.shape))
        _append(model, kind, made)
    value = _value(model, shape)
    if value is not None:
        _end(model, r, tuple(value.shape))
    _randomize(model)
    for layer, norm in itertools.pairwise(model.layers):
        if isinstance(norm, nn.BatchNorm2d) and getattr(layer, "bias", None) is not None and r.random() < 0.1:
            with torch.no_grad():  # two large numbers that cancel
                layer.bias.add_(64)
                norm.running_mean.add_(64)
    return model.eval(), shape


def _append(model: RandomForward, kind: str, step: Any) -> None:
    module = isinstance(step, nn.Module)
    model.layers.append(step if module else nn.Identity())
    model.steps.append(None if module else step)
    model.names.append(kind)


def _value(model: RandomForward, shape: tuple[int, int, int]) -> Tensor | None:
    try:
        with torch.no_grad():
            value: Tensor = model.eval()(torch.rand(2, *shape))
        model.kept = None
    except Exception:
        return None
    return value if value.dim() == 4 and min(value.shape[1:]) > 0 else None


def _end(model: RandomForward, r: random.Random, shape: tuple[int, ...]) -> None:
    features, channels = shape[1] * shape[2] * shape[3], shape[1]
    kind = r.choice(["mean", "keepdim", "view", "flatten", "binary", "image", "wrong"])
    if kind == "image":
        return
    if kind in ("flatten", "binary"):
        channels_last = r.random() < 0.4
        _append(model, "flatten", (lambda _, x: x.permute(0, 2, 3, 1).flatten(1)) if channels_last else nn.Flatten())
        if kind == "binary":
            if not channels_last:  # which refuses what differs by position before the linear layer
                _append(model, "norm", nn.BatchNorm1d(features))
            _append(
                model,
                "binary",
                BinaryLinear(features, 6, bconfig=BConfig(BasicInputBinarizer, Identity, XNORWeightBinarizer)),
            )
        _append(model, "linear", nn.Linear(6 if kind == "binary" else features, 4))
        return
    ends: dict[str, Step] = {
        "mean": lambda _, x: torch.mean(input=x, dim=(2, 3)),
        "keepdim": lambda _, x: x.mean((2, 3), keepdim=True).squeeze(-1).squeeze(-1),
        "view": lambda _, x: x.view(len(x), x.shape[1], -1).mean(-1) if x.is_contiguous() else x.flatten(2).mean(2),
        "wrong": lambda _, x: x.flatten(2).mean(1),
    }
    _append(model, "end", ends[kind])
    _append(model, "linear", nn.Linear(shape[2] * shape[3] if kind == "wrong" else channels, 4))


@torch.no_grad()
def _randomize(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.SyncBatchNorm):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            module.weight.normal_(0, 1)
            module.bias.normal_(0, 0.3)
        elif isinstance(module, InputBiasBinarizer | RPReLU | BasicScaleBinarizer | nn.PReLU):
            for parameter in module.parameters():
                parameter.normal_(0, 0.4)
        elif type(module) is nn.Conv2d:
            module.weight.copy_((module.weight * 16).round() / 8)
            if module.bias is not None:
                module.bias.copy_((module.bias * 16).round() / 8)
