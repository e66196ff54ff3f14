"""Optimizers for binary weights, one optimizer for each kind of parameter, and projections after a step."""

from xnorkit.optim.bop import Bop
from xnorkit.optim.case import CaseOptimizer
from xnorkit.optim.parameters import binary_layers, split_parameters
from xnorkit.optim.projection import WeightProjection

__all__ = ["Bop", "CaseOptimizer", "WeightProjection", "binary_layers", "split_parameters"]
