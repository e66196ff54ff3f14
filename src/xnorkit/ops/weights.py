"""Weight binarizers of the form scale * sign(W), with the sign of the latent weight itself."""

import math

from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import GRADIENT_RULES, GradientRule, mean_abs, scaled_sign_factors, sign_ste
from xnorkit.functional.centering import center
from xnorkit.ops._layer import initial_scale, positive
from xnorkit.ops.base import ScaledSignBinarizer

__all__ = [
    "BWNWeightBinarizer",
    "LearnableScaleWeightBinarizer",
    "MagnitudeAwareWeightBinarizer",
    "SignWeightBinarizer",
    "XNORWeightBinarizer",
]


class XNORWeightBinarizer(ScaledSignBinarizer):
    """Scales the sign of the weights by their mean magnitude per output channel: (O, ...) -> (O, ...).

    Forward: V = W, or W - mean over dimension 1 with `center_weights`; w~ = alpha sign(V), alpha (O,) = mean |V| over
    each filter; alpha = 1 without `compute_alpha`.
    Backward: with n weights per filter, g = dC/dw~ and s = sign(V), rule `exact`:
    dC/dV_i = (1/n) s_i sum_j g_j s_j + alpha g_i 1(|V_i| < 1); see `xnorkit.functional.scaled_sign` for the others.
    Without `compute_alpha`: dC/dV_i = g_i 1(|V_i| < 1). Through centring: dC/dW = dC/dV - its mean over dimension 1.
    On bits: yes.

    Args:
        compute_alpha: apply the scale alpha.
        center_weights: first subtract the mean over the input channels, inside the graph.
        gradient: the rule of the gradient through alpha and sign; rules other than `exact` need `compute_alpha`.

    Raises:
        InputError: for an unknown rule, a rule without `compute_alpha`, or centring with one input channel.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 5-6. The paper's own gradient is `gradient="paper"`.
    """

    def __init__(
        self, compute_alpha: bool = True, center_weights: bool = False, gradient: GradientRule = "exact"
    ) -> None:
        super().__init__()
        if gradient not in GRADIENT_RULES:
            raise InputError(f"gradient={gradient!r}, but it must be one of {', '.join(GRADIENT_RULES)}.")
        if gradient != "exact" and not compute_alpha:
            raise InputError(
                f"gradient={gradient!r} needs compute_alpha=True, but that is False. The rules differ only in the "
                "gradient of alpha: omit gradient."
            )
        self.compute_alpha, self.center_weights, self.gradient = compute_alpha, center_weights, gradient

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sign(V) (O, ...) and alpha (O,), or None without `compute_alpha`."""
        v = center(w) if self.center_weights else w
        return scaled_sign_factors(v, self.gradient) if self.compute_alpha else (sign_ste(v), None)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"compute_alpha={self.compute_alpha}, center_weights={self.center_weights}, gradient={self.gradient!r}"


class BWNWeightBinarizer(XNORWeightBinarizer):
    """Scales the sign of the weights by their mean magnitude: the Binary-Weight-Network, whose activations are float.

    Forward: w~ = alpha sign(W), alpha (O,) = mean |W| over each filter. Backward: as `XNORWeightBinarizer` without
    options; the activation binarizer `NoOp` next to it makes the network a BWN.
    On bits: its weights yes; a layer with float activations no.

    Args:
        gradient: the rule of the gradient through alpha and sign.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), section 3.1.
    """

    def __init__(self, gradient: GradientRule = "exact") -> None:
        super().__init__(gradient=gradient)


class SignWeightBinarizer(ScaledSignBinarizer):
    """Takes the sign of the weights, without a scale; the gradient passes straight through where |W| < clip.

    Forward: w~ = sign(W). Backward: dC/dW = dC/dw~ 1(|W| < clip). One bool per weight is kept.
    On bits: yes.

    Args:
        clip: the bound of |W|, above 0; with None every gradient passes.

    Source: Hubara et al., Binarized Neural Networks (NeurIPS 2016), eq. 1 and 4.
    """

    def __init__(self, clip: float | None = 1.0) -> None:
        super().__init__()
        self.clip = math.inf if clip is None else positive("SignWeightBinarizer", "clip", clip)

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sign(W) (O, ...) and None."""
        return sign_ste(w, self.clip), None

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"clip={self.clip}"


class MagnitudeAwareWeightBinarizer(ScaledSignBinarizer):
    """Scales the sign of the weights by their mean magnitude, which is treated as a constant.

    Forward: w~ = alpha sign(W), alpha (O,) = mean |W| over each filter. Backward: dC/dW = alpha dC/dw~ 1(|W| < clip):
    the rule `ste` of `XNORWeightBinarizer`, with a clip.
    On bits: yes.

    Args:
        clip: the bound of |W|, above 0; with None every gradient passes.

    Source: Liu et al., Bi-Real Net (ECCV 2018), section 3.3: the magnitude-aware gradient with respect to the weights.
    """

    def __init__(self, clip: float | None = 1.0) -> None:
        super().__init__()
        self.clip = math.inf if clip is None else positive("MagnitudeAwareWeightBinarizer", "clip", clip)

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sign(W) (O, ...) and alpha (O,), which has no gradient."""
        return sign_ste(w, self.clip), mean_abs(w.detach())

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"clip={self.clip}"


class LearnableScaleWeightBinarizer(ScaledSignBinarizer):
    """Scales the sign of the weights by a learned number per output channel.

    Forward: w~ = alpha_o sign(W); alpha (O,) starts at mean |W|. Backward: dC/dW = alpha_o dC/dw~ 1(|W| < 1),
    dC/dalpha_o = the sum of dC/dw~ sign(W) over the filter.
    On bits: yes.

    Args:
        layer: the layer that it serves, which determines the initial alpha.

    Attributes:
        alpha: the learned scales (O,).

    Source: Bulat and Tzimiropoulos, XNOR-Net++ (BMVC 2019), the variant with one scale per output channel.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.alpha = nn.Parameter(initial_scale(layer))

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sign(W) (O, ...) and alpha (O,)."""
        return sign_ste(w), self.alpha.to(w.dtype)

    def extra_repr(self) -> str:
        """Return the number of scales, for print(model)."""
        return f"{self.alpha.numel()}"
