"""The scaled sign of XNOR-Net, alpha * sign(W), with a choice of gradient rules."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor

from xnorkit.errors import InputError
from xnorkit.functional.sign import sign, sign_ste

__all__ = [
    "GRADIENT_RULES",
    "GradientRule",
    "mean_abs",
    "scaled_sign",
    "scaled_sign_factors",
    "scaled_sign_gradient",
]

GradientRule = Literal["exact", "ste", "paper", "xnor-net-pytorch"]
"""The name of a gradient rule of `scaled_sign`."""

GRADIENT_RULES: tuple[GradientRule, ...] = get_args(GradientRule)
"""All gradient rules of `scaled_sign`."""

ADAM_FACTOR = 1e9  # the factor of every binary gradient in the ImageNet version of XNOR-Net-PyTorch


def mean_abs(w: Tensor) -> Tensor:
    """Return alpha, the mean of |W| over each output filter: (O, ...) -> (O,).

    alpha = ||W||_1 / n with n weights per filter; dalpha/dW_i = sign(W_i) / n, where sign(0) = +1.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 6.
    """
    # |w| = w * sign(w) exactly; in this form its derivative at 0 is sign(0) = +1, as in `scaled_sign`.
    return (w * sign(w)).flatten(1).mean(1)


def scaled_sign(w: Tensor, rule: GradientRule = "exact", *, scale_1e9: bool = False) -> Tensor:
    """Return W~ = alpha * sign(W), with alpha = mean |W| per output filter (dimension 0).

    The forward pass is the same for every rule. With g = dC/dW~, s = sign(W), n weights per filter, C_in = the size of
    dimension 1, and every sum running over the filter of i, dC/dW_i is

    - `exact`: (1/n) s_i sum_j g_j s_j + alpha g_i 1(|W_i| < 1): the derivative, with the straight-through estimator
      in place of the derivative of the sign;
    - `ste`: alpha g_i 1(|W_i| < 1): alpha is treated as a constant;
    - `paper`: g_i (1/n + alpha 1(|W_i| < 1)): only the term j = i of the sum;
    - `xnor-net-pytorch`: n (1 - 1/C_in) ((1/n) s_i sum_j g_j s_j + alpha g_i 1(|W_i| <= 1)), times 1e9 with
      `scale_1e9`.

    Args:
        w: float weights (O, ...), at least two dimensions.
        rule: the gradient rule.
        scale_1e9: only with `xnor-net-pytorch`: the factor of its ImageNet version.

    Raises:
        InputError: for an unknown rule, `scale_1e9` with another rule, or `xnor-net-pytorch` with C_in = 1, whose
            factor 1 - 1/C_in would make every gradient 0.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), eq. 5-6 (`paper`: the gradient printed in section 3.1);
    jiecaoyu/XNOR-Net-PyTorch (`xnor-net-pytorch`). docs/how-xnor-net-works.md derives them; `compare_gradient_rules`
    shows how they differ for a given weight.
    """
    _check(w, rule, scale_1e9)
    return _ScaledSign.apply(w, rule, scale_1e9)


def scaled_sign_factors(w: Tensor, rule: GradientRule = "exact", *, scale_1e9: bool = False) -> tuple[Tensor, Tensor]:
    """Return (sign(W), alpha), shapes (O, ...) and (O,), whose product has the gradient of `scaled_sign` for `rule`.

    For layers that compute op(x, sign(W)) * alpha: with G = dC/dsign(W) = alpha g and A = dC/dalpha = sum_j g_j s_j,
    each rule of `scaled_sign` is an expression in G and A. The rule `paper` needs g itself, which is G / alpha, or 0 in
    a filter whose weights are all 0.

    Raises:
        InputError: as `scaled_sign`.
    """
    _check(w, rule, scale_1e9)
    if rule == "exact":
        return _ExactFactors.apply(w)
    if rule == "ste":
        return sign_ste(w), mean_abs(w).detach()
    return _Factors.apply(w, rule, scale_1e9)


def scaled_sign_gradient(
    w: Tensor, g: Tensor, rule: GradientRule = "exact", *, scale_1e9: bool = False, signs: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the two terms of dC/dW under `rule`, through alpha and through the sign; the gradient is their sum.

    Args:
        w: weights (O, ...), at least two dimensions.
        g: dC/dW~, of the shape of `w`.
        rule: the gradient rule; `scaled_sign` has the equations.
        scale_1e9: only with `xnor-net-pytorch`: the factor of its ImageNet version.
        signs: the signs that the forward pass used, if they are not `sign(w)`: `torch.sign` has sign(0) = 0.

    Raises:
        InputError: as `scaled_sign`, or if the shapes of `w` and `g` differ.
    """
    _check(w, rule, scale_1e9)
    if g.shape != w.shape:
        raise InputError(
            f"g has shape {tuple(g.shape)} and w has {tuple(w.shape)}, but the shapes must be equal. Pass the gradient "
            "of the loss with respect to scaled_sign(w)."
        )
    return _terms(w, g, sign(w) if signs is None else signs, rule, scale_1e9)


class _ScaledSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor, rule: GradientRule, scale_1e9: bool) -> Tensor:
        ctx.save_for_backward(w)
        ctx.rule, ctx.scale_1e9 = rule, scale_1e9
        return _per_filter(mean_abs(w), w) * sign(w)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (w,) = ctx.saved_tensors
        through_alpha, through_sign = _terms(w, grads[0], sign(w), ctx.rule, ctx.scale_1e9)
        return through_alpha + through_sign, None, None


class _ExactFactors(torch.autograd.Function):
    """Returns (sign(W), mean |W|), and the exact derivative of both in few passes over the weights."""

    @staticmethod
    def forward(ctx: Any, w: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(w)
        return sign(w), w.abs().flatten(1).mean(1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (w,), (through_b, through_alpha) = ctx.saved_tensors, grads
        through_sign = torch.ops.aten.hardtanh_backward(through_b, w, -1.0, 1.0)  # through_b * 1(|w| < 1), in one pass
        return sign(w).mul_(_per_filter(through_alpha / w[0].numel(), w)).add_(through_sign)


class _Factors(torch.autograd.Function):
    """The rules that a graph of `sign_ste` and `mean_abs` cannot express: `paper` and `xnor-net-pytorch`."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, rule: GradientRule, scale_1e9: bool) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(w)
        ctx.rule, ctx.scale_1e9 = rule, scale_1e9
        return sign(w), mean_abs(w)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (w,), (through_b, through_alpha) = ctx.saved_tensors, grads
        n = w[0].numel()
        if ctx.rule == "paper":
            alpha = _per_filter(mean_abs(w), w)
            g = torch.where(alpha > 0, through_b / alpha, 0)
            return g / n + through_b * (w.abs() < 1), None, None
        exact = sign(w) * _per_filter(through_alpha, w) / n + through_b * (w.abs() <= 1)
        return exact * _reference_factor(w, ctx.scale_1e9), None, None


def _terms(w: Tensor, g: Tensor, s: Tensor, rule: GradientRule, scale_1e9: bool) -> tuple[Tensor, Tensor]:
    """Return the gradient through alpha and the one through the sign; see `scaled_sign`."""
    alpha, n = _per_filter(mean_abs(w), w), w[0].numel()
    if rule == "ste":
        return torch.zeros_like(g), alpha * g * (w.abs() < 1)
    if rule == "paper":
        return g / n, alpha * g * (w.abs() < 1)
    # dW~_j/dW_i = sign(W_j) dalpha/dW_i + alpha 1(i = j) sign'(W_i), with dalpha/dW_i = sign(W_i) / n.
    through_alpha = s * _per_filter((g * s).flatten(1).mean(1), w)
    if rule == "exact":
        return through_alpha, alpha * g * (w.abs() < 1)
    factor = _reference_factor(w, scale_1e9)
    return through_alpha * factor, alpha * g * (w.abs() <= 1) * factor


def _reference_factor(w: Tensor, scale_1e9: bool) -> float:
    """Return n (1 - 1/C_in), times 1e9 with `scale_1e9`."""
    return w[0].numel() * (1 - 1 / w.shape[1]) * (ADAM_FACTOR if scale_1e9 else 1.0)


def _check(w: Tensor, rule: GradientRule, scale_1e9: bool) -> None:
    if rule not in GRADIENT_RULES:
        raise InputError(f"rule={rule!r}, but it must be one of {', '.join(GRADIENT_RULES)}.")
    if scale_1e9 and rule != "xnor-net-pytorch":
        raise InputError(
            f"scale_1e9=True with rule={rule!r}, but only the ImageNet version of 'xnor-net-pytorch' has that factor. "
            "Omit scale_1e9."
        )
    if w.dim() < 2:
        raise InputError(
            f"w has shape {tuple(w.shape)}, but it must have at least two dimensions, (O, ...), the first of them over "
            "the output filters. Reshape it with w.reshape(O, -1)."
        )
    if rule == "xnor-net-pytorch" and w.shape[1] == 1:
        raise InputError(
            f"w has shape {tuple(w.shape)}, but rule='xnor-net-pytorch' needs at least 2 input channels (dimension 1), "
            "because its factor 1 - 1/C_in makes every gradient 0 for one. Choose rule='exact'."
        )


def _per_filter(v: Tensor, w: Tensor) -> Tensor:
    """Return v (O,) in the shape (O, 1, ..., 1), which broadcasts over the filters of w."""
    return v.reshape(-1, *(1,) * (w.dim() - 1))
