"""Eight-bit layers for the ends of a binary network: the trained forward is an int32 sum, scaled."""

from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional.quantize import (
    INPUT_LEVELS,
    WEIGHT_LIMIT,
    filter_scale,
    quantize_ste,
    round_ste,
    sum_dtype,
)
from xnorkit.nn._checks import check_float, full_precision, working_dtype
from xnorkit.nn.quantizers import InputQuantizer, LearnedQuantizer, PixelQuantizer

__all__ = ["IntegerLayer", "Integers", "QuantConv2d", "QuantLinear"]

# An int32 holds the products and the bias: 33,000 * 255 * 127 = 1,068,705,000 < 2^30 for the first, and 2^30 for the
# second, where the difference of 5 million covers the rounding of a float32 near 2^30 (64).
MAX_PRODUCTS = 33_000
BIAS_LIMIT = 2**30


class Integers(NamedTuple):
    """The numbers that an engine computes with, all of integer dtype.

    x_int: u, uint8, of the shape of the input. w_int: q, int8, of the shape of the weight. sum_int: int32, of the shape
    of the output, sum q (u - z) + b with the integer bias b; a padded tap contributes 0.
    """

    x_int: Tensor
    w_int: Tensor
    sum_int: Tensor


class IntegerLayer(nn.Module):
    """Mixin for a layer with weight (O, ...), bias (O,) or None, and an `input_quantizer`.

    With u, z and s_x of the quantizer, q = rint(V / s_w) the int8 weights of V = `input_quantizer.fold(W)`, s_w (O,)
    the scale of each filter, S = s_x s_w rounded to float32 and b = rint(bias / S):

        y = (sum q (u - z) + b) * S,

    where the sum is an exact integer that fits in an int32, converted to float32 (halves to even) and multiplied once.
    s_w = max(max |V| / 127, |bias| / (s_x 2^30)): the second applies only if a filter is so small relative to its bias
    that the integer bias would not fit. s_w follows the latent weights in every step and is a constant for the
    gradient. Backward, with G = dC/dy: straight through every rounding, dC/dV = s_x * (G correlated with u - z), from
    which `fold` gives dC/dW; dC/dbias = sum G; dC/dx as in the quantizer, from dC/d(s_x d) = G correlated with s_w q;
    dC/ds_x also receives sum G s_w (sum q (u - z) + b - bias / S) from the scale of the sum.
    """

    weight: Tensor
    bias: Any  # Tensor (O,) or None
    input_quantizer: InputQuantizer

    def __init__(self, *args: Any, input_quantizer: InputQuantizer | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        quantizer = input_quantizer or LearnedQuantizer()
        self.check_module(self, quantizer)
        self._adopt(quantizer)

    @classmethod
    def check_module(cls, layer: nn.Module, quantizer: InputQuantizer) -> None:
        """Raise InputError unless `layer`, of the float class or of this one, can read its input with `quantizer`."""
        products = layer.get_parameter("weight")[0].numel()
        if products > MAX_PRODUCTS:
            raise InputError(
                f"{cls.__name__}: a filter has {products} weights, but it must have at most {MAX_PRODUCTS}, so that "
                f"the sum of {INPUT_LEVELS} * {WEIGHT_LIMIT} * {products} and a bias fits an int32. Use groups, a "
                "smaller kernel or fewer inputs, or keep the layer float."
            )
        channels, why = cls._pixel_channels(layer)
        if isinstance(quantizer, PixelQuantizer) and len(quantizer.mean) != channels:
            raise InputError(
                f"{cls.__name__}: mean and std have {len(quantizer.mean)} channels, but they must have {channels}, "
                f"{why}."
            )

    @classmethod
    def convert_module_(cls, layer: nn.Module, quantizer: InputQuantizer) -> None:
        """Turn the float `layer` into one of this class, in place: the object, its parameters, hooks and aliases stay.

        Raises:
            InputError: see `check_module`.
        """
        cls.check_module(layer, quantizer)
        layer.__class__ = cls
        cls._adopt(cast(IntegerLayer, layer), quantizer)

    def integers(self, x: Tensor) -> Integers:
        """Return u, q and the sums of the input `x`, without gradients and without changing the layer.

        Raises:
            InputError: x has the wrong shape or dtype or holds NaN, or a learned input scale is not settled.
        """
        self._check_input(x)
        self.input_quantizer.check_()
        with torch.no_grad(), full_precision(x):
            d, s_x = self.input_quantizer.quantize(self._working(x))
            if torch.isnan(d).any():
                raise InputError(f"{type(self).__name__}: input holds NaN, but it must hold numbers.")
            q, _, b = self._parts(s_x)
            sums = self._product(d.double(), q.double())
            sums = sums if b is None else sums + self._per_filter(b.double())
            u = d + self.input_quantizer.zero_point().to(d.dtype)
            return Integers(u.to(torch.uint8), q.to(torch.int8), sums.to(torch.int32))

    @torch.no_grad()
    def integer_bias(self) -> Tensor:
        """Return b (O,) int32, zeros without a bias; InputError if a learned input scale is not settled."""
        b = self._parts(self._settled_scale())[2]
        return torch.zeros(len(self.weight), dtype=torch.int32) if b is None else b.to(torch.int32)

    @torch.no_grad()
    def output_scale(self) -> Tensor:
        """Return S (O,), the value of one unit of the sum; InputError if a learned input scale is not settled."""
        return self._parts(self._settled_scale())[1]

    def bit_reason(self) -> str:
        """Return why the layer is not binary."""
        return "8-bit integer layer"

    def forward(self, x: Tensor) -> Tensor:
        """Return y = sums * S, in the dtype of the weight."""
        self._check_input(x)
        with full_precision(x):
            d, s_x = self.input_quantizer(self._working(x))
            q, scale, b = self._parts(s_x)
            exact = sum_dtype(self.weight[0].numel(), d.dtype)
            sums = self._product(d.to(exact), q.to(exact))
            if b is not None:
                # In float32 this addition rounds the exact sum just as the conversion from int32 would.
                sums = sums + self._per_filter(b.to(exact))
            return (sums.to(d.dtype) * self._per_filter(scale)).to(self.weight.dtype)

    def _parts(self, s_x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return q, S (O,) and b (O,) or None, as floats with their gradients."""
        folded = self.input_quantizer.fold(self.weight.to(s_x.dtype), getattr(self, "groups", 1))
        s_w = filter_scale(folded)
        if self.bias is not None:
            s_w = torch.maximum(s_w, self.bias.detach().to(s_w.dtype).abs() / (s_x.detach() * BIAS_LIMIT))
        spread = s_w.reshape(-1, *(1,) * (folded.dim() - 1))
        q = quantize_ste(folded, spread, -WEIGHT_LIMIT, WEIGHT_LIMIT)
        scale = s_x * s_w
        return q, scale, None if self.bias is None else round_ste(self.bias.to(scale.dtype) / scale)

    def _settled_scale(self) -> Tensor:
        self.input_quantizer.check_()
        return self.input_quantizer.quantize(self.weight.new_zeros(0, dtype=working_dtype(self.weight)))[1]

    def _working(self, x: Tensor) -> Tensor:
        return x if x.dtype == torch.uint8 else x.to(working_dtype(self.weight))

    def _check_input(self, x: Tensor) -> None:
        if not (x.dtype == torch.uint8 and isinstance(self.input_quantizer, PixelQuantizer)):
            check_float(type(self).__name__, x)

    def _adopt(self, quantizer: InputQuantizer) -> None:
        """Set the quantizer, with the device, dtype and mode of the layer."""
        self.input_quantizer = quantizer.to(self.weight.device, working_dtype(self.weight)).train(self.training)

    @classmethod
    def _pixel_channels(cls, layer: nn.Module) -> tuple[int, str]:
        """Return how many channels a `PixelQuantizer` must have for `layer`, and why."""
        raise NotImplementedError

    def _product(self, d: Tensor, q: Tensor) -> Tensor:
        raise NotImplementedError

    def _per_filter(self, v: Tensor) -> Tensor:
        raise NotImplementedError


class QuantConv2d(IntegerLayer, nn.Conv2d):
    """Convolves 8-bit inputs with 8-bit weights: (N, C_in, H, W) -> (N, C_out, H_out, W_out).

    Forward and gradient: see `IntegerLayer`. With a `PixelQuantizer` the input is a normalised float image (or its
    uint8 pixels), with a `LearnedQuantizer` activations. A padded position is the zero point and contributes 0.

    Args:
        args, kwargs: as in `torch.nn.Conv2d`.
        input_quantizer: how to read the input; by default a new `LearnedQuantizer`.

    Raises:
        InputError: more than 33,000 weights per filter, a quantizer for another number of channels, or an input of
            wrong shape or dtype.

    Examples:
        >>> layer = QuantConv2d(1, 20, 5, input_quantizer=PixelQuantizer([0.1307], [0.3081]))
        >>> layer(torch.randn(1, 1, 28, 28)).shape
        torch.Size([1, 20, 24, 24])

    Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference
    (CVPR 2018), section 2: int32 sums of 8-bit products, int32 bias at the scale of the product. Differences: symmetric
    weights per filter, and a float32 result, since a BatchNorm and a sign follow.
    """

    @classmethod
    def _pixel_channels(cls, layer: nn.Module) -> tuple[int, str]:
        assert isinstance(layer, nn.Conv2d)
        return layer.in_channels, "one each per input channel"

    def _check_input(self, x: Tensor) -> None:
        super()._check_input(x)
        if x.dim() not in (3, 4) or x.shape[-3] != self.in_channels:
            raise InputError(
                f"QuantConv2d: input has shape {tuple(x.shape)}, but it must be (N, {self.in_channels}, H, W) or "
                f"({self.in_channels}, H, W)."
            )

    def _product(self, d: Tensor, q: Tensor) -> Tensor:
        return self._conv_forward(d, q, None)

    def _per_filter(self, v: Tensor) -> Tensor:
        return v[:, None, None]


class QuantLinear(IntegerLayer, nn.Linear):
    """Multiplies 8-bit inputs with 8-bit weights: (..., in_features) -> (..., out_features).

    Forward and gradient: see `IntegerLayer`.

    Args:
        args, kwargs: as in `torch.nn.Linear`.
        input_quantizer: how to read the input; by default a new `LearnedQuantizer`. A `PixelQuantizer` reads flattened
            images of one channel.

    Raises:
        InputError: more than 33,000 inputs, a `PixelQuantizer` of several channels, or an input of wrong size or dtype.

    Examples:
        >>> QuantLinear(500, 10)(torch.randn(2, 500)).shape
        torch.Size([2, 10])

    Source: as `QuantConv2d`.
    """

    @classmethod
    def _pixel_channels(cls, layer: nn.Module) -> tuple[int, str]:
        why = "since a flattened image does not say where its channels are: begin with a convolution, or stay float"
        return 1, why

    def _check_input(self, x: Tensor) -> None:
        super()._check_input(x)
        if x.dim() == 0 or x.shape[-1] != self.in_features:
            raise InputError(
                f"QuantLinear: input has shape {tuple(x.shape)}, but it must be (..., {self.in_features}). Flatten "
                "images with torch.nn.Flatten() first."
            )

    def _product(self, d: Tensor, q: Tensor) -> Tensor:
        return F.linear(d, q)

    def _per_filter(self, v: Tensor) -> Tensor:
        return v
