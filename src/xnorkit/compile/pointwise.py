"""Operations on each number, with parameters per channel or position: activations, norms, scales, signs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.compile.values import Operation
from xnorkit.errors import ExportError
from xnorkit.ops import ActivationBinarizer, BasicScaleBinarizer, BiasPostprocess, RPReLU

__all__ = [
    "ACTIVATIONS",
    "NORM",
    "POINTWISE",
    "Pointwise",
    "Sign",
    "Step",
    "affine",
    "clip",
    "pointwise_module",
]

NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)
Step = tuple[str, dict[str, Any], dict[str, Tensor]]
"""op of the graph, its attributes, and tensors that broadcast against the value."""

Shape = tuple[int, ...]
Found = tuple[Step | None, bool]

ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.SiLU: "silu",
    nn.GELU: "gelu",
    nn.Hardsigmoid: "hardsigmoid",
    nn.Hardswish: "hardswish",
    nn.Mish: "mish",
}
"""Functions of the op `activation`; the operator of ATen has the same name."""

TAILS: dict[type[nn.Module], tuple[float, ...]] = {
    **dict.fromkeys((nn.GELU, nn.SiLU, nn.Mish), (0.0,)),
    nn.Sigmoid: (1.0,),
    nn.Tanh: (-1.0, 1.0),
}
"""What they come to at the ends, where PyTorch rounds. The sigmoid's 0 is not below it, as 0 of the others is."""


@dataclass
class Pointwise(Operation):
    """y = f(x) for every number.

    Attributes:
        function: the trained function itself; broadcasts its parameters over any number of images and positions.
        step: the same as an operation of the graph, if the value stays float; None if none can express it.
        monotone: True if f, with its rounding, turns around in no channel, so that bisection over floats is exact.
        parameters: what differs by channel or position, in a shape that broadcasts against the value.
        text: its name, for messages.
        tails: the numbers that it comes to at its ends and that PyTorch rounds to, like the 0 of GELU; no threshold
            there can reproduce this.
    """

    function: Callable[[Tensor], Tensor]
    step: Step | None
    monotone: bool
    parameters: Sequence[Tensor] = ()
    text: str = ""
    tails: tuple[float, ...] = ()

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        return self.function(inputs[0])

    def describe(self) -> str:
        """Return its name, for messages."""
        return self.text


@dataclass
class Sign(Operation):
    """The activation binarizer of a binary layer: +1 and -1, which may also stand for 1 and 0.

    by_position: it is the user's own, and treats the positions of a channel differently.
    """

    kind = "bits"
    process: nn.Module
    by_position: bool = False

    @property
    def zero_one(self) -> bool:
        """True if the trained layer multiplies by 1 and 0 instead of +1 and -1."""
        return bool(getattr(self.process, "zero_one", False))

    @property
    def parameters(self) -> list[Tensor]:
        """What differs by channel or position."""
        return list(self.process.state_dict().values())

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the value, computed from its inputs."""
        y = self.process(inputs[0])
        return 2 * y - 1 if self.zero_one else y


def affine(scale: Tensor | float | None, bias: Tensor | float | None, text: str) -> Pointwise:
    """Return x * scale + bias in two roundings; None omits a step."""
    tensors = {
        role: torch.as_tensor(t, dtype=torch.float32) for role, t in (("scale", scale), ("bias", bias)) if t is not None
    }

    def function(x: Tensor) -> Tensor:
        x = x if scale is None else x * scale
        return x if bias is None else x + bias

    return Pointwise(function, ("affine", {}, tensors), True, list(tensors.values()), text)


def clip(low: float | None, high: float | None, text: str) -> Pointwise:
    """Return min(max(x, low), high); None is no bound."""

    def function(x: Tensor) -> Tensor:
        return x if low is None and high is None else x.clamp(low, high)

    return Pointwise(function, ("clip", {"min": low, "max": high}, {}), True, (), text)


def pointwise_module(name: str, module: nn.Module, dims: int) -> tuple[Pointwise, ...]:
    """Return a module as pointwise operations, one after another, on values with `dims` axes after the channels.

    Empty if it is not pointwise. Each operation gives a value of its own, which the proof compares.

    Raises:
        ExportError: a batch norm without running statistics.
    """
    shape = (1, -1, *(1,) * dims)
    if isinstance(module, NORM) and module.training:
        raise ExportError(f"'{name}' stays in training mode after model.eval(), but it must be in evaluation mode.")
    if isinstance(module, NORM):
        found: Found = ("affine", {}, _norm(name, module, shape)), True
    elif isinstance(module, RPReLU):
        return _rprelu(module)
    else:
        kind = next((kind for kind in _STEPS if isinstance(module, kind)), None)
        if kind is None:
            return ()
        found = _STEPS[kind](module, shape)
    step, monotone = found
    tails = next((tails for kind, tails in TAILS.items() if isinstance(module, kind)), ())
    # Its forward, because its hooks are steps of their own in the capture.
    parameters = [p.reshape(shape) if p.dim() == 1 else p for p in module.state_dict().values() if p.numel() > 1]
    return (Pointwise(module.forward, step, monotone, parameters, type(module).__name__, tails),)


def _hardtanh(module: Any, _: Shape) -> Found:
    return ("clip", {"min": float(module.min_val), "max": float(module.max_val)}, {}), True


def _leaky(module: Any, _: Shape) -> Found:
    return ("prelu", {}, {"slope": torch.tensor(module.negative_slope)}), module.negative_slope >= 0


def _prelu(module: Any, shape: Shape) -> Found:
    return ("prelu", {}, {"slope": module.weight.reshape(shape)}), bool((module.weight >= 0).all())


def _rprelu(module: RPReLU) -> tuple[Pointwise, ...]:
    """Return the three steps of `xnorkit.functional.rprelu`, each with its rounding."""
    beta = module.beta.detach()

    def bend(u: Tensor) -> Tensor:
        return u.clamp(min=0) + u.clamp(max=0) * beta

    return (
        affine(None, -module.gamma.detach(), "shift before RPReLU"),
        Pointwise(bend, ("prelu", {}, {"slope": beta}), bool((beta >= 0).all()), [beta], "RPReLU without shifts"),
        affine(None, module.zeta.detach(), "shift after RPReLU"),
    )


def _activation(module: Any, _: Shape) -> Found:
    """A sigmoid is monotone in theory, but not with the rounding of its parts."""
    exact = getattr(module, "approximate", "none") == "none"
    return (("activation", {"function": ACTIVATIONS[type(module)]}, {}) if exact else None), False


# How a known module is written as a step, and whether it is monotone in float32. Rounding is monotone, and so are sums
# and products with constants.
_STEPS: Mapping[type[nn.Module], Callable[[Any, Shape], Found]] = {
    nn.ReLU: lambda module, _: (("clip", {"min": 0.0, "max": None}, {}), True),
    nn.Hardtanh: _hardtanh,  # ReLU6 is one
    nn.LeakyReLU: _leaky,
    nn.PReLU: _prelu,
    BasicScaleBinarizer: lambda module, _: (("affine", {}, {"scale": module.alpha}), True),
    BiasPostprocess: lambda module, _: (("affine", {}, {"bias": module.bias}), True),
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys((nn.ELU, nn.Softplus), lambda module, _: (None, False)),
    # A sign as a separate module, such as an RSign before a binary layer: only thresholds express it.
    ActivationBinarizer: lambda module, _: (None, module.bit_reason is None),
}

POINTWISE = (*NORM, RPReLU, *_STEPS)
"""Modules that work on each number separately."""


@torch.no_grad()
def _norm(name: str, norm: nn.Module, shape: tuple[int, ...]) -> dict[str, Tensor]:
    """Return scale = weight / sqrt(var + eps) and bias - mean * scale, rounded as PyTorch rounds them.

    PyTorch takes the reciprocal root in float32 and the bias by one fused multiply-add, which the float64 sum of an
    exact product repeats.
    """
    assert isinstance(norm, NORM)
    if norm.running_mean is None or norm.running_var is None:
        raise ExportError(
            f"'{name}' has no running statistics, but it must be a BatchNorm with track_running_stats=True."
        )
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    bias = -norm.running_mean.double() * scale.double()
    bias = (bias if norm.bias is None else bias + norm.bias.double()).float()
    if not (scale.isfinite().all() and bias.isfinite().all()):
        raise ExportError(
            f"'{name}' has a scale or bias that is not finite, but its running_var must be at least 0 and its eps "
            "above 0."
        )
    return {"scale": scale.reshape(shape), "bias": bias.reshape(shape)}
