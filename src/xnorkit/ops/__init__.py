"""Binarizers as modules: of activations, of weights, and processes of a layer's output."""

from xnorkit.ops.base import ActivationBinarizer, OutputProcess, ScaledSignBinarizer, WeightBinarizer
from xnorkit.ops.factory import Factory, WithArgs
from xnorkit.ops.outputs import BasicScaleBinarizer
from xnorkit.ops.shifted_inputs import InputBiasBinarizer
from xnorkit.ops.sign_inputs import BasicInputBinarizer
from xnorkit.ops.weights import XNORWeightBinarizer

__all__ = [
    "ActivationBinarizer",
    "BasicInputBinarizer",
    "BasicScaleBinarizer",
    "Factory",
    "InputBiasBinarizer",
    "OutputProcess",
    "ScaledSignBinarizer",
    "WeightBinarizer",
    "WithArgs",
    "XNORWeightBinarizer",
]
