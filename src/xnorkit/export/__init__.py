"""Trained module -> packed program, exactly: trace, thresholds, lowering, and the proof that both are the same."""

from xnorkit.export.interpret import interpret
from xnorkit.export.lower import Export, export_model, pack, rounded_to_half
from xnorkit.export.proof import FloatProof, LayerProof, Proof
from xnorkit.export.verify import verify

__all__ = [
    "Export",
    "FloatProof",
    "LayerProof",
    "Proof",
    "export_model",
    "interpret",
    "pack",
    "rounded_to_half",
    "verify",
]
