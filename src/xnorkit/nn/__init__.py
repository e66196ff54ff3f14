"""Binary layers, ways to make a model binary, and the projection of latent weights."""

from xnorkit.nn.bconfig import BConfig, Identity
from xnorkit.nn.conv import BinaryConv1d, BinaryConv2d, BinaryConv3d
from xnorkit.nn.conv_transpose import BinaryConvTranspose2d
from xnorkit.nn.dead_signs import DeadSign, find_dead_signs
from xnorkit.nn.integer import QuantConv2d, QuantLinear
from xnorkit.nn.linear import BinaryLinear
from xnorkit.nn.prepare import convert, prepare_binary_model
from xnorkit.nn.projection import project_
from xnorkit.nn.quantize_model import quantize_first_last_
from xnorkit.nn.quantizers import LearnedQuantizer, PixelQuantizer
from xnorkit.nn.shifts import center_shifts_
from xnorkit.ops import InputBiasBinarizer as RSign
from xnorkit.ops import RPReLU

__all__ = [
    "BConfig",
    "BinaryConv1d",
    "BinaryConv2d",
    "BinaryConv3d",
    "BinaryConvTranspose2d",
    "BinaryLinear",
    "DeadSign",
    "Identity",
    "LearnedQuantizer",
    "PixelQuantizer",
    "QuantConv2d",
    "QuantLinear",
    "RPReLU",
    "RSign",
    "center_shifts_",
    "convert",
    "find_dead_signs",
    "prepare_binary_model",
    "project_",
    "quantize_first_last_",
]
