"""Trained module -> packed program, exactly: trace, thresholds, lowering, and the proof that both are the same."""

from xnorkit.export.lower import pack
from xnorkit.export.verify import LayerProof, Proof, verify

__all__ = ["LayerProof", "Proof", "pack", "verify"]
