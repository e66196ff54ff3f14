"""Pure functions on tensors: signs and their gradients, and the scaled sign and the input scales of XNOR-Net."""

from xnorkit.functional.adaptive import adaptive_sign, rprelu, shifted_sign
from xnorkit.functional.bounds import clamp_weights_
from xnorkit.functional.centering import center, center_
from xnorkit.functional.gradient_rules import GradientComparison, RuleGradient, compare_gradient_rules
from xnorkit.functional.input_scale import input_scale, scale_groups
from xnorkit.functional.levels import heaviside_ste, quantize_unit_ste, ternary_ste
from xnorkit.functional.scaled_sign import (
    GRADIENT_RULES,
    GradientRule,
    mean_abs,
    scaled_sign,
    scaled_sign_factors,
    scaled_sign_gradient,
)
from xnorkit.functional.sign import sign, sign_ste
from xnorkit.functional.surrogates import approx_sign, sign_like, stochastic_sign, swish_sign, tanh_sign

__all__ = [
    "GRADIENT_RULES",
    "GradientComparison",
    "GradientRule",
    "RuleGradient",
    "adaptive_sign",
    "approx_sign",
    "center",
    "center_",
    "clamp_weights_",
    "compare_gradient_rules",
    "heaviside_ste",
    "input_scale",
    "mean_abs",
    "quantize_unit_ste",
    "rprelu",
    "scale_groups",
    "scaled_sign",
    "scaled_sign_factors",
    "scaled_sign_gradient",
    "shifted_sign",
    "sign",
    "sign_like",
    "sign_ste",
    "stochastic_sign",
    "swish_sign",
    "tanh_sign",
    "ternary_ste",
]
