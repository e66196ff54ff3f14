"""`bnn.models.layers`: the residual blocks."""

from xnorkit.models import BasicBlock, HBlock, PreBasicBlock

__all__ = ["BasicBlock", "HBlock", "PreBasicBlock"]
