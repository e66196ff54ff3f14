"""Pure functions on tensors: the sign, its straight-through estimator, the scaled sign of XNOR-Net."""

from xnorkit.functional.scaled_sign import mean_abs, scaled_sign
from xnorkit.functional.sign import sign, sign_ste

__all__ = ["mean_abs", "scaled_sign", "sign", "sign_ste"]
