"""The base of every binary layer: its latent weight, its three processes, and the order of operations."""

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import clamp_weights_
from xnorkit.nn._checks import check_dot_length, full_precision, is_bare, working_dtype
from xnorkit.nn._training_path import runs_packed
from xnorkit.nn.bconfig import BConfig, Identity, make_process
from xnorkit.ops import ActivationBinarizer, BasicInputBinarizer, LearnableScaleWeightBinarizer, XNORWeightBinarizer

__all__ = ["XNOR", "LatentWeight", "Operation"]

XNOR = BConfig(BasicInputBinarizer, Identity, XNORWeightBinarizer)

Layer = TypeVar("Layer", bound="LatentWeight")
Operation = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class LatentWeight(nn.Module):
    """Mixin for a layer with a latent weight, three processes made by `bconfig`, and the option `scale`.

    Attributes:
        weight: latent weight, updated by the optimizer.
        bconfig: the `BConfig` that made the processes.
        activation_pre_process, weight_pre_process, activation_post_process: its three modules.
        scale: False omits the scale of the weight process.
    """

    FLOAT_MODULE: ClassVar[type[nn.Module]]
    SPATIAL_DIMS: ClassVar[int]

    weight: Tensor
    bias: Any
    scale: bool
    bconfig: BConfig
    activation_pre_process: nn.Module
    activation_post_process: nn.Module
    weight_pre_process: nn.Module

    @classmethod
    def from_module(cls: type[Layer], mod: nn.Module, bconfig: BConfig | None = None, update: bool = False) -> Layer:
        """Return the binary layer that replaces `mod`, with the same parameter objects, hooks and mode.

        Args:
            mod: a float layer, or a layer of this class; do not use it afterwards, because hooks are shared.
            bconfig: how to binarize; by default the `bconfig` attribute of `mod`.
            update: True lets existing processes of `mod` whose class does not change keep their parameters
                (learned scales and shifts); False starts all processes afresh.

        Raises:
            InputError: `mod` is a different kind of layer, or there is no `BConfig`.
        """
        if type(mod) not in (cls.FLOAT_MODULE, cls):
            raise InputError(
                f"{cls.__name__}.from_module received {type(mod).__name__}, but it must be exactly "
                f"{cls.FLOAT_MODULE.__name__} or {cls.__name__}. For a class of your own, pass modules_mapping."
            )
        own = getattr(mod, "bconfig", None)
        bconfig = own if bconfig is None else bconfig
        if not isinstance(bconfig, BConfig):
            raise InputError(
                f"{cls.__name__}.from_module: bconfig is {type(bconfig).__name__}, but it must be a BConfig. Pass "
                "one, or set the layer's attribute: layer.bconfig = BConfig(...)."
            )
        layer = cls.__new__(cls)
        layer.__dict__.update(mod.__dict__)
        for name in ("_parameters", "_buffers", "_modules"):
            layer.__dict__[name] = mod.__dict__[name].copy()
        layer.__dict__.pop("_compiled_call_impl", None)  # left by mod.compile(); it would keep calling `mod`
        layer.scale = getattr(mod, "scale", True) if bconfig is own else True
        layer._install(bconfig, mod if update else None)
        return layer

    def _install(self, bconfig: BConfig, old: nn.Module | None = None) -> None:
        """Make the three processes; those of the same class as in `old` take over its parameters."""
        self.bconfig = self._installed = bconfig
        for field in fields(bconfig):
            process = make_process(field.name, getattr(bconfig, field.name), self)
            before = getattr(old, field.name, None)
            if type(before) is type(process):
                _adopt_parameters(process, before)
            setattr(self, field.name, process)
        if self._has_factors():
            check_dot_length(type(self).__name__, self._filters(self.weight)[0].numel())

    def _process(self, x: Tensor, operation: Operation) -> Tensor:
        """Return post(operation(pre(x), W~) + bias, x); scale and bias follow the operation where W~ = scale * b."""
        if self._has_factors():
            with full_precision(x):
                dtype = working_dtype(self.weight)
                b, scale = self._factors(dtype)
                b = self._from_filters(b)
                if self.runs_on_bits(x):
                    process = self.activation_pre_process
                    assert isinstance(process, ActivationBinarizer)
                    u, clip = process.before_sign(x)
                    y = self._packed(u, clip, process.drop, b, scale)
                else:
                    s = self.activation_pre_process(x.to(dtype))
                    y = self._scale_and_shift(self._dot(s, b, scale, operation), None).to(self.weight.dtype)
        else:
            w = self._from_filters(self.weight_pre_process(self._filters(self.weight)))
            y = operation(self.activation_pre_process(x), w, self.bias)
        return self.activation_post_process(y, x)

    def _dot(self, s: Tensor, b: Tensor, scale: Tensor | None, operation: Operation) -> Tensor:
        """Return operation(s, b) * scale."""
        dot = operation(s, b, None)
        return dot if scale is None else dot * scale.reshape(-1, *(1,) * self.SPATIAL_DIMS)

    def simulated_reason(self, training: bool = True) -> str | None:
        """Return why the layer's products are computed in float32 in training (or evaluation), or None: on bits.

        None means that the layer can run on bits; whether a call does also depends on its input
        (docs/training-speed.md).
        """
        process, weights = self.activation_pre_process, self.weight_pre_process
        if not (isinstance(process, ActivationBinarizer) and process.returns_signs(training)):
            return f"{type(process).__name__} returns values other than +1 and -1"
        if not all(is_bare(module) for module in process.modules()):
            return f"{type(process).__name__} has a hook, or its own forward, which may change its values"
        return self._geometry_reason() if self._has_factors() else f"{type(weights).__name__} has no method `factors`"

    def runs_on_bits(self, x: Tensor) -> bool:
        """Return whether a call with `x` computes its products, and their gradients, on bits in the engine."""
        return runs_packed(x, self.weight) and self.simulated_reason(self.training) is None and self._fits_bits(x)

    def _geometry_reason(self) -> str | None:
        """Return why the layer's geometry has no gradients on bits, or None."""
        return f"{type(self).__name__} has no gradients on bits"

    def _fits_bits(self, x: Tensor) -> bool:
        raise NotImplementedError

    def _packed(self, u: Tensor, clip: float, drop: float, b: Tensor, scale: Tensor | None) -> Tensor:
        """Return operation(s, b) * scale + bias from the engine, with s = sign(u), of which a share `drop` is dropped.

        The gradient passes where |u| < clip.
        """
        raise NotImplementedError

    def scale_and_shift(self, dot: Tensor) -> Tensor:
        """Return dot * scale + bias for integers (..., C_out, ...) as the layer's output, each operation rounded."""
        return self._scale_and_shift(dot, self._factors(dot.dtype)[1])

    def _scale_and_shift(self, dot: Tensor, scale: Tensor | None) -> Tensor:
        shape = (-1, *(1,) * self.SPATIAL_DIMS)
        if scale is not None:
            dot = dot * scale.reshape(shape)
        return dot if self.bias is None else dot + self.bias.to(dot.dtype).reshape(shape)

    def _has_factors(self) -> bool:
        return hasattr(self.weight_pre_process, "factors")

    def _factors(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Return b (C_out, ...) of +1 and -1, and the scale (C_out,) or None, with their gradients."""
        if not self._has_factors():
            raise InputError(
                f"{type(self).__name__} has no binary weight: {_weight_reason(self.weight_pre_process)}. Use a "
                "weight process with `factors`, such as xnorkit.ops.XNORWeightBinarizer."
            )
        process: Any = self.weight_pre_process
        b, scale = process.factors(self._filters(self.weight.to(dtype)))
        return b, scale if self.scale else None

    def _filters(self, w: Tensor) -> Tensor:
        """Return a weight of the layer as filters (C_out, ...)."""
        return w

    def _from_filters(self, w: Tensor) -> Tensor:
        """Return filters (C_out, ...) in the layout of the layer's weight: the inverse of `_filters`."""
        return w

    @torch.no_grad()
    def binary_weight(self) -> Tensor:
        """Return b, usually sign(W): +1 and -1, of the shape and dtype of `weight`, without gradient."""
        return self._from_filters(self._factors(working_dtype(self.weight))[0]).to(self.weight.dtype)

    @torch.no_grad()
    def alpha(self) -> Tensor:
        """Return the scale (C_out,) that the forward pass multiplies by, without gradient: mean |W|, or ones."""
        b, scale = self._factors(working_dtype(self.weight))
        return b.new_ones(len(b)) if scale is None else scale

    @torch.no_grad()
    def project_(self, closed: bool = False) -> None:
        """Clamp the latent weights in place to where their straight-through gradient is not 0, usually (-1, 1).

        A weight that has drifted beyond could hardly come back. The bound is the `clip` of the weight process, or 1 if
        its class has none. Weights that are standardized before the sign, and float ones, are not changed. `closed`
        clamps to [-1, 1], as XNOR-Net-PyTorch does: see `xnorkit.functional.clamp_weights_`.
        """
        process = self.weight_pre_process
        known = isinstance(process, XNORWeightBinarizer | LearnableScaleWeightBinarizer)
        clip = getattr(process, "clip", 1.0 if known else math.inf)
        if self._has_factors() and clip < math.inf:
            clamp_weights_(self.weight, clip, closed)

    def bit_reason(self) -> str | None:
        """Return None if the layer is an integer dot product of bits, scaled and shifted, or why it is not."""
        reasons = [
            self._layer_reason(),
            _activation_reason(self.activation_pre_process),
            _weight_reason(self.weight_pre_process),
            _output_reason(self.activation_post_process),
        ]
        return "; ".join(reason for reason in reasons if reason) or None

    def factor_bits(self) -> tuple[int, int]:
        """Return the bits, 1 or 32, of an activation and of a weight in the layer's products; 32 without a kernel."""
        if self._layer_reason():
            return 32, 32
        reasons = _activation_reason(self.activation_pre_process), _weight_reason(self.weight_pre_process)
        return 32 if reasons[0] else 1, 32 if reasons[1] else 1

    def _layer_reason(self) -> str | None:
        return f"{type(self).__name__} has no kernel on bits"

    def extra_repr(self) -> str:
        """Return the arguments that differ from the defaults, for print(layer)."""
        return super().extra_repr() + ("" if self.scale else ", scale=False")


def _adopt_parameters(process: nn.Module, before: nn.Module) -> None:
    """Give `process` the parameter objects of `before` where name and shape agree."""
    modules = dict(before.named_modules())
    for name, module in process.named_modules():
        known = modules[name]._parameters if name in modules else {}
        for key, parameter in module._parameters.items():
            learned = known.get(key)
            if parameter is not None and learned is not None and learned.shape == parameter.shape:
                module._parameters[key] = learned


def _activation_reason(process: nn.Module) -> str | None:
    if isinstance(process, nn.Identity):
        return "activations are not binarized"
    return _own_reason("activations", process)


def _weight_reason(process: nn.Module) -> str | None:
    if isinstance(process, nn.Identity):
        return "weights are not binarized"
    if getattr(process, "bit_reason", None) is None and not hasattr(process, "factors"):
        return f"weights: {type(process).__name__} has no method `factors`"
    return _own_reason("weights", process)


def _output_reason(process: nn.Module) -> str | None:
    return None if isinstance(process, Identity) else _own_reason("output", process, none_is_enough=False)


def _own_reason(what: str, process: nn.Module, none_is_enough: bool = True) -> str | None:
    """Return the reason that a process itself gives, or say that it gives none."""
    name = type(process).__name__
    missing = (
        f"{name} has no attribute `bit_reason`, so its values are not known to be bits; if they are +1 and -1, write "
        "`bit_reason = None` in the class"
    )
    reason = getattr(process, "bit_reason", missing)
    if reason is None and not none_is_enough:
        reason = f"{name} changes it"
    return reason and f"{what}: {reason}"
