"""Deployed = trained: an oracle in NumPy, the bounds of floats, and the comparison node by node and end to end."""

from xnorkit.proof.interpret import interpret
from xnorkit.proof.proof import FloatProof, LayerProof, Proof
from xnorkit.proof.verify import verify

__all__ = ["FloatProof", "LayerProof", "Proof", "interpret", "verify"]
