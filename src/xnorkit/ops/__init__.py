"""Modules that binarize activations and weights, and modules that process the output of a layer."""

from xnorkit.ops._annealed import Annealed
from xnorkit.ops.annealed_inputs import AdvancedInputBinarizer, AdvancedNoisyInputBinarizer, EDEInputBinarizer
from xnorkit.ops.base import ActivationBinarizer, OutputProcess, ScaledSignBinarizer, WeightBinarizer
from xnorkit.ops.factory import Factory, WithArgs
from xnorkit.ops.k_map import XNORScaleBinarizer
from xnorkit.ops.level_inputs import DoReFaActivation, NoOp, SteHeavisideBinarizer, TernaryInputBinarizer
from xnorkit.ops.outputs import BasicScaleBinarizer, BiasPostprocess, RPReLU
from xnorkit.ops.shifted_inputs import AdaBinInputBinarizer, InputBiasBinarizer, MagnitudeAwareSignBinarizer
from xnorkit.ops.sign_inputs import (
    ApproxSignBinarizer,
    BasicInputBinarizer,
    ReCUInputBinarizer,
    StochasticInputBinarizer,
    SwishSignBinarizer,
)
from xnorkit.ops.standardized_weights import AdaBinWeightBinarizer, IRNetWeightBinarizer, ReCUWeightBinarizer
from xnorkit.ops.weights import (
    BWNWeightBinarizer,
    LearnableScaleWeightBinarizer,
    MagnitudeAwareWeightBinarizer,
    SignWeightBinarizer,
    XNORWeightBinarizer,
)

__all__ = [
    "ActivationBinarizer",
    "AdaBinInputBinarizer",
    "AdaBinWeightBinarizer",
    "AdvancedInputBinarizer",
    "AdvancedNoisyInputBinarizer",
    "Annealed",
    "ApproxSignBinarizer",
    "BWNWeightBinarizer",
    "BasicInputBinarizer",
    "BasicScaleBinarizer",
    "BiasPostprocess",
    "DoReFaActivation",
    "EDEInputBinarizer",
    "Factory",
    "IRNetWeightBinarizer",
    "InputBiasBinarizer",
    "LearnableScaleWeightBinarizer",
    "MagnitudeAwareSignBinarizer",
    "MagnitudeAwareWeightBinarizer",
    "NoOp",
    "OutputProcess",
    "RPReLU",
    "ReCUInputBinarizer",
    "ReCUWeightBinarizer",
    "ScaledSignBinarizer",
    "SignWeightBinarizer",
    "SteHeavisideBinarizer",
    "StochasticInputBinarizer",
    "SwishSignBinarizer",
    "TernaryInputBinarizer",
    "WeightBinarizer",
    "WithArgs",
    "XNORScaleBinarizer",
    "XNORWeightBinarizer",
]
