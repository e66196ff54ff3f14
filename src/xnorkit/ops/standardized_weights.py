"""Weight binarizers that standardize the weights of each filter before they take the sign."""

import math

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional.surrogates import sign_like, tanh_sign
from xnorkit.ops._annealed import Annealed, ErrorDecay
from xnorkit.ops._layer import initial_scale
from xnorkit.ops.base import ScaledSignBinarizer, WeightBinarizer

__all__ = ["AdaBinWeightBinarizer", "IRNetWeightBinarizer", "ReCUWeightBinarizer"]

MIN_DEVIATION = 1e-8  # of the weights of a filter, so that a constant filter does not divide by 0


class IRNetWeightBinarizer(ErrorDecay, ScaledSignBinarizer):
    """Takes the sign of the standardized weights, scaled by a power of two (libra parameter binarization).

    Forward: v = (W - mean W)/std W over each filter, with the n - 1 of the sample deviation; w~ = 2^s sign(v),
    s (O,) = round(log2 mean |v|).
    Backward: dC/dv = 2^s dC/dw~ k t (1 - tanh(t v)^2), where s is treated as a constant; then through v, with q = dC/dv
    and n weights per filter, dC/dW = (q - mean q - v (sum of q v)/(n - 1)) / std W. Progress p sets
    t = t_min (t_max/t_min)^p and k = max(1/t, 1).
    On bits: yes.

    Args:
        t_min, t_max: t at the start and the end of training, above 0.

    Attributes:
        t, k: the current values, which are buffers.

    Raises:
        InputError: for filters of one weight, which have no deviation.

    Source: Qin et al., IR-Net: Forward and Backward Information Retention (CVPR 2020), and its code.
    """

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sign(v) (O, ...) and 2^s (O,), which has no gradient."""
        v = _standardize(w, correction=1)
        s = v.detach().abs().flatten(1).mean(1).log2().round()
        return tanh_sign(v, self.t, self.k), s.exp2()


class ReCUWeightBinarizer(Annealed, ScaledSignBinarizer):
    """Takes the sign of the standardized weights, which a rectified clamp keeps between two quantiles.

    Forward: v = 2 sqrt(2) (W - mean W)/std W over each filter; c = clip(v, -Q, Q), Q = -b ln(2 - 2 tau) with
    b = mean |v| over the layer, the tau-quantile of a Laplace distribution; w~ = alpha_o sign(c). The clip does not
    change signs.
    Backward: dC/dv = alpha_o dC/dw~ 1(|v| <= Q), where Q is treated as a constant; then through v, with q = dC/dv, n
    weights per filter and u = (W - mean W)/std W, dC/dW = 2 sqrt(2) (q - mean q - u (sum of q u)/(n - 1)) / std W;
    dC/dalpha_o = the sum of dC/dw~ sign(c) over the filter. Progress p sets
    tau = tau_min + (tau_max - tau_min)(e^p - 1)/(e - 1).
    On bits: yes.

    Args:
        layer: the layer that it serves, which determines the initial alpha, mean |W|.
        tau_min, tau_max: tau at the start and the end of training, above 0.5 and below 1.

    Attributes:
        alpha: the learned scales (O,).
        tau: the current value, a buffer.

    Raises:
        InputError: for a tau outside these bounds, or filters of one weight, which have no deviation.

    Source: Xu et al., ReCU: Reviving the Dead Weights in Binary Neural Networks (ICCV 2021), and its code, whose alpha
    starts with random numbers.
    """

    tau: Tensor

    def __init__(self, layer: nn.Module, tau_min: float = 0.85, tau_max: float = 0.99) -> None:
        super().__init__()
        for name, tau in (("tau_min", tau_min), ("tau_max", tau_max)):
            if not 0.5 < tau < 1:
                raise InputError(f"ReCUWeightBinarizer: {name}={tau}, but it must be above 0.5 and below 1.")
        self.tau_min, self.tau_max = tau_min, tau_max
        self.alpha = nn.Parameter(initial_scale(layer))
        self.register_buffer("tau", torch.tensor(float(tau_min)))

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sign(c) (O, ...) and alpha (O,)."""
        v = _standardize(w, correction=1) * (2 * math.sqrt(2))
        q = -v.detach().abs().mean() * (2 - 2 * self.tau).log()
        return sign_like(v.detach(), v.clamp(-q, q)), self.alpha.to(w.dtype)

    def _anneal(self, fraction: float) -> None:
        self.tau.fill_(self.tau_min + (self.tau_max - self.tau_min) * (math.exp(fraction) - 1) / (math.e - 1))

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"{self.alpha.numel()}, tau_min={self.tau_min}, tau_max={self.tau_max}"


class AdaBinWeightBinarizer(ErrorDecay, WeightBinarizer):
    """Takes the nearer of two values per filter: its mean minus its deviation, or its mean plus its deviation.

    Forward: beta (O,) = mean W, alpha (O,) = sqrt(mean (W - beta)^2) over each filter, v = (W - beta)/alpha,
    w~ = beta + alpha sign(v).
    Backward: with g = dC/dw~, n weights per filter, h = k t (1 - tanh(t v)^2), A = sum of g (sign(v) - v h) and all
    sums and means over the filter: dC/dW = g h - mean(g h) + mean(g) + v A/n. Progress p sets t = t_min (t_max/t_min)^p
    and k = max(1/t, 1).
    On bits: no, each filter has an offset.

    Args:
        t_min, t_max: t at the start and the end of training, above 0.

    Attributes:
        t, k: the current values, which are buffers.

    Raises:
        InputError: for filters of one weight, which have no deviation.

    Source: Tu et al., AdaBin (ECCV 2022), and its code, which takes h from IR-Net.
    """

    bit_reason = "its weights are beta - alpha and beta + alpha, an offset per filter beside the scale"

    def forward(self, w: Tensor) -> Tensor:
        """Return w~ (O, ...)."""
        alpha, beta = _deviation(w, correction=0)
        return beta + alpha * tanh_sign((w - beta) / alpha, self.t, self.k)


def _standardize(w: Tensor, correction: int) -> Tensor:
    """Return (W - mean W) / std W over each filter (O, ...)."""
    deviation, mean = _deviation(w, correction)
    return (w - mean) / deviation


def _deviation(w: Tensor, correction: int) -> tuple[Tensor, Tensor]:
    """Return std W, at least MIN_DEVIATION, and mean W over each filter, both (O, 1, ...)."""
    if w[0].numel() < 2:
        raise InputError(
            f"w has shape {tuple(w.shape)}, but a filter must have at least 2 weights, because one has no deviation. "
            "Use SignWeightBinarizer or LearnableScaleWeightBinarizer for this layer."
        )
    dims = list(range(1, w.dim()))
    deviation, mean = torch.std_mean(w, dims, correction=correction, keepdim=True)
    return deviation.clamp(min=MIN_DEVIATION), mean
