"""`bnn.ops`: the binarizers of the package and of its fork, and the sign as a function."""

import torch
from torch import Tensor, nn

from xnorkit.functional import sign_ste
from xnorkit.functional.surrogates import stochastic_sign
from xnorkit.ops import (
    AdvancedInputBinarizer,
    AdvancedNoisyInputBinarizer,
    BasicInputBinarizer,
    BasicScaleBinarizer,
    BiasPostprocess,
    InputBiasBinarizer,
    StochasticInputBinarizer,
    WithArgs,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)

__all__ = [
    "AdvancedInputBinarizer",
    "AdvancedNoisyInputBinarizer",
    "BasicInputBinarizer",
    "BasicScaleBinarizer",
    "BiasPostprocess",
    "BinarizerBase",
    "InputBiasBinarizer",
    "SignActivation",
    "SignActivationStochastic",
    "StochasticInputBinarizer",
    "XNORScaleBinarizer",
    "XNORWeightBinarizer",
]


class BinarizerBase(WithArgs, nn.Module):
    """Base class for your own binarizers: a module with `with_args`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the binarized `x`; a subclass must implement this."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")


class SignActivation:
    """`SignActivation.apply(x)` is `sign_ste(x)`: y = sign(x), gradient 1(|x| < 1)."""

    @staticmethod
    def apply(x: Tensor) -> Tensor:
        """Return the sign of `x`."""
        return sign_ste(x)


class SignActivationStochastic:
    """`SignActivationStochastic.apply(x)` does what `StochasticInputBinarizer` does in training."""

    @staticmethod
    def apply(x: Tensor) -> Tensor:
        """Return +1 with probability clip((x + 1) / 2, 0, 1), else -1."""
        return stochastic_sign(x, torch.rand_like(x) * 2 - 1)
