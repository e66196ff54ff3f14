"""Weight binarizers of the form scale * sign(W), with the sign of the latent weight itself."""

from torch import Tensor

from xnorkit.errors import InputError
from xnorkit.functional import GRADIENT_RULES, GradientRule, scaled_sign_factors, sign_ste
from xnorkit.functional.centering import center
from xnorkit.ops.base import ScaledSignBinarizer

__all__ = ["XNORWeightBinarizer"]


class XNORWeightBinarizer(ScaledSignBinarizer):
    """Scales the sign of the weights with their mean magnitude per output channel: (O, ...) -> (O, ...).

    Forward: V = W, or W - mean over dimension 1 with `center_weights`; w~ = alpha sign(V), alpha (O,) = mean |V| over
    each filter; alpha = 1 without `compute_alpha`.
    Backward: with n weights per filter, g = dC/dw~ and s = sign(V), rule `exact`:
    dC/dV_i = (1/n) s_i sum_j g_j s_j + alpha g_i 1(|V_i| < 1); see `xnorkit.functional.scaled_sign` for the others.
    Without `compute_alpha`: dC/dV_i = g_i 1(|V_i| < 1). Through centring: dC/dW = dC/dV - its mean over dimension 1.
    On bits: yes.

    Args:
        compute_alpha: False leaves the scale out.
        center_weights: subtract the mean over the input channels first, inside the graph.
        gradient: rule of the gradient through alpha and sign; it needs `compute_alpha`, unless it is `exact`.

    Raises:
        InputError: for an unknown rule, a rule without `compute_alpha`, or centring with one input channel.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 5-6. The paper's own gradient is `gradient="paper"`.
    """

    def __init__(
        self, compute_alpha: bool = True, center_weights: bool = False, gradient: GradientRule = "exact"
    ) -> None:
        super().__init__()
        if gradient not in GRADIENT_RULES:
            raise InputError(f"gradient={gradient!r}; required: one of {', '.join(GRADIENT_RULES)}.")
        if gradient != "exact" and not compute_alpha:
            raise InputError(
                f"gradient={gradient!r} with compute_alpha=False; required: compute_alpha=True, as the rules differ in "
                "the gradient of alpha only. Leave gradient out."
            )
        self.compute_alpha, self.center_weights, self.gradient = compute_alpha, center_weights, gradient

    def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sign(V) (O, ...) and alpha (O,), or None without `compute_alpha`."""
        v = center(w) if self.center_weights else w
        return scaled_sign_factors(v, self.gradient) if self.compute_alpha else (sign_ste(v), None)

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"compute_alpha={self.compute_alpha}, center_weights={self.center_weights}, gradient={self.gradient!r}"
