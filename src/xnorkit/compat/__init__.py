"""The names and files of older code for binary networks: `BinOp` and its companions, `bnn`, old checkpoints."""

from xnorkit.compat.bin_active import BinActive
from xnorkit.compat.bin_conv import BinConv2d
from xnorkit.compat.binop import BinOp
from xnorkit.compat.convert_checkpoint import convert_checkpoint
from xnorkit.compat.legacy_checkpoint import LegacyReport, load_legacy_checkpoint

__all__ = ["BinActive", "BinConv2d", "BinOp", "LegacyReport", "convert_checkpoint", "load_legacy_checkpoint"]
