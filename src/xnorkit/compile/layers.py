"""Layers with weights -> operations: float, binary, binary weights only, 8-bit; with the steps around their sums."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.compile.frontend.builder import Builder
from xnorkit.compile.frontend.capture import is_itself
from xnorkit.compile.frontend.k_map import add_k_map
from xnorkit.compile.operations import Layer, PadBits, Quantize
from xnorkit.compile.pointwise import Pointwise, Sign, affine, pointwise_module
from xnorkit.compile.users import check_binary_weight, differs_by_position, hook_changes, is_users
from xnorkit.compile.values import Value
from xnorkit.errors import ExportError
from xnorkit.nn import BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d, BinaryLinear, Identity
from xnorkit.nn.integer import IntegerLayer
from xnorkit.nn.quantizers import PixelQuantizer
from xnorkit.ops import NoOp, XNORScaleBinarizer

__all__ = ["BINARY", "FLOAT", "UNSUPPORTED", "Rescale", "add_layer", "refuse_unsupported", "takes_any_order"]

BINARY = (BinaryConv1d, BinaryConv2d, BinaryLinear)
FLOAT = (nn.Conv1d, nn.Conv2d, nn.Linear)
UNSUPPORTED = (
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Conv3d,
    BinaryConv3d,
    BinaryConvTranspose2d,
)


@dataclass
class Rescale(Pointwise):
    """sums * scale + bias after a layer of signs or 8-bit numbers: its epilogue if its output stays float.

    exact: neither step rounds, so nothing that rounds may be folded into them.
    """

    scale: Tensor | None = None
    bias: Tensor | None = None
    exact: bool = False


def refuse_unsupported(name: str, module: nn.Module) -> None:
    """Raise ExportError for a layer that no graph can hold; names it."""
    if isinstance(module, UNSUPPORTED):
        transposed = "Transpose" in type(module).__name__
        remedy = "Upsample outside the model instead." if transposed else "Move the depth into the channels."
        raise ExportError(
            f"'{name}' is a {type(module).__name__}, but it must be a convolution of one or two dimensions or a "
            f"linear layer: the format has no others. {remedy}"
        )


def takes_any_order(module: Any) -> bool:
    """Return whether `module` is a linear layer that may read its features in another order, by its columns.

    The process of its input must treat all features in the same way, which nobody knows of a user's own.
    """
    process = getattr(module, "activation_pre_process", None)
    plain = process is None or not (is_users(process) or process.state_dict())
    return isinstance(module, nn.Linear) and not isinstance(module, IntegerLayer) and plain


def add_layer(
    builder: Builder,
    name: str,
    module: nn.Module,
    x: Value,
    torch_shape: tuple[int, ...],
    *,
    order: Tensor | None = None,
) -> Value | None:
    """Add a layer and what belongs to it; return its output, or None if `module` is not a layer.

    Args:
        builder: collects the values.
        name: of the output.
        module: the trained module.
        x: the value that it reads.
        torch_shape: of the output, without the batch.
        order: the place in `x` of each feature that a linear layer reads; None if they are in order.

    Raises:
        ExportError: the layer has no counterpart; names it and says why.
    """
    if not isinstance(module, (*FLOAT, IntegerLayer)):
        return None
    place = _Place(builder, name, torch_shape, None if order is None else order.argsort())
    _check(name, module, x)
    if isinstance(module, IntegerLayer):
        return _add_int8(place, module, x)
    if isinstance(module, BINARY):
        return _add_binary(place, module, x)
    return place.sums("float", module, module.weight.detach(), x, bias=module.bias)


@dataclass
class _Place:
    """Where a layer's operations go: under `name`, then `name.part`, all with the same shape.

    columns: the feature that each number of the value is, for a linear layer that reads them in another order.
    """

    builder: Builder
    name: str
    torch_shape: tuple[int, ...]
    columns: Tensor | None = None

    def weight(self, trained: Tensor) -> Tensor:
        return trained if self.columns is None else trained[:, self.columns]

    def sums(self, form: str, module: Any, weight: Tensor, x: Value, **options: Any) -> Value:
        layer = Layer(form, module, self.weight(weight), layer_attributes(module), **options)
        suffix = ".sum" if form != "float" else ""
        return self.builder.add(self.name + suffix, layer, (x,), self.torch_shape)

    def pointwise(self, part: str, operation: Pointwise, x: Value) -> Value:
        return self.builder.add(f"{self.name}{part}", operation, (x,), self.torch_shape)


def layer_attributes(module: nn.Module) -> dict[str, Any]:
    """Return the graph's geometry of a convolution, or {"out_features": O} for a linear layer."""
    if isinstance(module, nn.Linear):
        return {"out_features": module.out_features}
    layer: Any = module
    flat = isinstance(module, nn.Conv1d)
    sides = layer._reversed_padding_repeated_twice
    kernel, stride, dilation, padding = (
        list(value) if isinstance(value, tuple | list) else [value] * (1 if flat else 2)
        for value in (layer.kernel_size, layer.stride, layer.dilation, layer.padding)
    )
    if not isinstance(layer.padding, str):  # what the forward reads, even if it was set after the constructor
        sides = [size for size in reversed(padding) for _ in range(2)]
    left, right, top, bottom = (*sides, 0, 0) if flat else sides
    if flat:
        kernel, stride, dilation = ([1, *value] for value in (kernel, stride, dilation))
    return {
        "kernel": kernel,
        "stride": stride,
        "padding": [top, left, bottom, right],
        "dilation": dilation,
        "groups": layer.groups,
        "in_channels": layer.in_channels,
        "out_channels": layer.out_channels,
    }


def _check(name: str, module: Any, x: Value) -> None:
    if getattr(module, "padding_mode", "zeros") != "zeros":
        raise ExportError(f"'{name}': padding_mode='{module.padding_mode}', but it must be 'zeros'.")
    if isinstance(module, nn.Linear) and len(x.torch_shape) != 1:
        raise ExportError(
            f"'{name}': Linear reads a value of shape {x.torch_shape}, but it must read one flat vector per image."
        )


def _add_int8(place: _Place, module: Any, x: Value) -> Value:
    quantizer = module.input_quantizer
    if isinstance(quantizer, PixelQuantizer) and place.builder.image is not x:
        raise ExportError(
            f"'{place.name}' reads pixels (PixelQuantizer), and its input is '{x.name}', but it must be the image "
            "itself."
        )
    image = place.builder.add(f"{place.name}.pixels", Quantize(quantizer), (x,), x.torch_shape, x.shape)
    probe = torch.zeros(1, *x.torch_shape)
    try:
        weight, scale = module.integers(probe).w_int.float(), module.output_scale()
        bias, zero_point = module.integer_bias().float(), quantizer.zero_point()
    except Exception as error:
        raise ExportError(f"'{place.name}': {error}") from error
    sums = place.sums("int8", module, weight, image, bias=bias, zero_point=zero_point)
    shape = (-1, *(1,) * (len(place.torch_shape) - 1))
    spread = scale.reshape(shape)
    rescale = Rescale(lambda v: v.float() * spread, None, True, [spread], "scale of 8-bit sums", scale=scale)
    return place.pointwise("", rescale, sums)


def _add_binary(place: _Place, module: Any, x: Value) -> Value:
    activation, weights = module.activation_pre_process, module.weight_pre_process
    plain = isinstance(activation, nn.Identity | NoOp)
    signs = hasattr(weights, "factors") and getattr(weights, "bit_reason", None) is None
    if plain and not signs:  # float inputs and the float weights that the weight process makes
        with torch.no_grad():
            weight = weights(module.weight) if not isinstance(weights, nn.Identity) else module.weight
        y = place.sums("float", module, weight.detach(), x, bias=module.bias)
        return _add_process(place, module.activation_post_process, y, x)
    dims = len(place.torch_shape) - 1
    weight = check_binary_weight(place.name, weights, module.binary_weight(), module.alpha())
    rescale = _rescale(module.alpha(), module.bias, dims)
    if plain:
        y = place.pointwise("", rescale, place.sums("binary_weight", module, weight, x))
        return _add_process(place, module.activation_post_process, y, x)
    reason = _bit_reason(activation, weights)
    if reason:
        raise ExportError(
            f"'{place.name}' does not run on bits: {reason}. Use an activation binarizer with values +1 and -1, or "
            "1 and 0, and a weight binarizer of the form scale * sign; see docs/binarizers.md."
        )
    sign = Sign(activation, differs_by_position(place.name, activation, x))
    bits = place.builder.add(f"{place.name}.sign", sign, (x,), x.torch_shape, x.shape)
    if sign.zero_one:
        shape = (-1, *(1,) * dims)
        bias = None if module.bias is None else module.bias.detach().reshape(shape)
        scale_and_shift = affine(module.alpha().reshape(shape), bias, rescale.text)
        y = place.pointwise(".alpha", scale_and_shift, _add_zero_one_sums(place, module, bits))
    else:
        y = place.pointwise("", rescale, place.sums("binary", module, weight, bits))
    return _add_process(place, module.activation_post_process, y, x)


def _add_zero_one_sums(place: _Place, module: Any, bits: Value) -> Value:
    """Add the sums n of activations y, 1 and 0, from their signs s = 2y - 1; return n.

    With W the sum of a filter's weights, n = w . y = (w . s + W) / 2, where a padded position, y = 0, has s = -1. Both
    steps are exact in float32: halving always is, and with K <= 2^24 weights |w . s|, |W| and |n| are at most 2^24, so
    the integer n needs no rounding.
    """
    weight, attributes = place.weight(module.binary_weight()), layer_attributes(module)
    padding = attributes.get("padding", [])
    if any(padding):
        top, left, bottom, right = padding
        channels, *size = bits.torch_shape
        grown = [n + more for n, more in zip(reversed(size), (left + right, top + bottom), strict=False)]
        bits = place.builder.add(f"{place.name}.padded", PadBits(padding), (bits,), (channels, *reversed(grown)))
        attributes["padding"] = [0] * 4
    sums = place.builder.add(
        f"{place.name}.sum", Layer("binary", module, weight, attributes), (bits,), place.torch_shape
    )
    half = torch.full((len(weight),), 0.5)
    rescale = _rescale(half, weight.flatten(1).sum(1) / 2, len(place.torch_shape) - 1)
    return place.pointwise("", replace(rescale, exact=True, text="sums of 0 and 1"), sums)


def _rescale(scale: Tensor, bias: Tensor | None, dims: int) -> Rescale:
    """Return the steps of `LatentWeight.scale_and_shift` as one operation, from the scale of the trained layer."""
    shape = (-1, *(1,) * dims)
    factor, shift = scale.reshape(shape), None if bias is None else bias.detach().reshape(shape)

    def function(sums: Tensor) -> Tensor:
        y = sums * factor
        return y if shift is None else y + shift

    parameters = [factor] if shift is None else [factor, shift]
    return Rescale(function, None, True, parameters, "scale of sums", scale=scale, bias=bias)


def _bit_reason(activation: nn.Module, weights: nn.Module) -> str | None:
    """Return why the product is not a product of bits, or None."""
    reasons = []
    for what, process in (("activations", activation), ("weights", weights)):
        base = "ActivationBinarizer" if what == "activations" else "WeightBinarizer"
        missing = (
            f"{type(process).__name__} has no attribute `bit_reason`, so its values are not known to be bits; if they "
            f"are +1 and -1, derive it from xnorkit.ops.{base}, or write `bit_reason = None` in the class"
        )
        reason = getattr(process, "bit_reason", missing)
        if what == "weights" and not hasattr(process, "factors"):
            reason = reason or "they are not of the form scale * sign"
        if reason:
            reasons.append(f"{what}: {reason}")
    return "; ".join(reasons) or None


def _add_process(place: _Place, process: nn.Module, y: Value, x: Value) -> Value:
    """Add a post-process of a layer: pointwise, or the map K of the layer's float input `x`."""
    changes = hook_changes(process, y, x) or not is_itself(process)
    if isinstance(process, Identity | nn.Identity) and not changes:
        return y
    operations = pointwise_module(place.name, process, len(place.torch_shape) - 1)
    if not operations and not isinstance(process, Identity | nn.Identity | XNORScaleBinarizer):
        raise ExportError(
            f"'{place.name}': its output process {type(process).__name__} has no counterpart, but it must be one of "
            "BasicScaleBinarizer, BiasPostprocess, RPReLU or XNORScaleBinarizer of xnorkit.ops."
        )
    if changes:
        raise ExportError(
            f"'{place.name}': a hook or a forward of its own changes what its output process "
            f"{type(process).__name__} returns, but that must compute what its class in xnorkit.ops or PyTorch does. "
            "Move that step into a module after the layer."
        )
    if isinstance(process, XNORScaleBinarizer):
        return add_k_map(place.builder, place.name, process, y, x)
    return place.builder.add_in_turn(f"{place.name}.post", operations, y, place.torch_shape)
