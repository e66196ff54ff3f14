"""Names of older binary-network code, so that it runs here after changing an import: `BinOp` and friends, `bnn`."""

from xnorkit.compat.bin_active import BinActive
from xnorkit.compat.bin_conv import BinConv2d
from xnorkit.compat.binop import BinOp

__all__ = ["BinActive", "BinConv2d", "BinOp"]
