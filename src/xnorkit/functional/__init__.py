"""Pure functions on tensors: the sign, its straight-through estimator, the scaled sign of XNOR-Net."""

from xnorkit.functional.centering import center, center_
from xnorkit.functional.gradient_rules import GradientComparison, RuleGradient, compare_gradient_rules
from xnorkit.functional.scaled_sign import (
    GRADIENT_RULES,
    GradientRule,
    mean_abs,
    scaled_sign,
    scaled_sign_factors,
    scaled_sign_gradient,
)
from xnorkit.functional.sign import sign, sign_ste

__all__ = [
    "GRADIENT_RULES",
    "GradientComparison",
    "GradientRule",
    "RuleGradient",
    "center",
    "center_",
    "compare_gradient_rules",
    "mean_abs",
    "scaled_sign",
    "scaled_sign_factors",
    "scaled_sign_gradient",
    "sign",
    "sign_ste",
]
