"""Load and run a `.xnor` model on the compiled engine, with NumPy and safetensors only, never torch."""

from xnorkit.runtime import _current
from xnorkit.runtime.bits import pack_bits, unpack_bits
from xnorkit.runtime.model import LayerResult, Model, load

__all__ = ["LayerResult", "Model", "load", "pack_bits", "unpack_bits"]

_current.check_current()
