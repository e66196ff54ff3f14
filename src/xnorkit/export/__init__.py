"""Trained module -> packed program, exactly: capture, thresholds, lowering, and the proof that both are the same."""

from xnorkit.export.explain import explain
from xnorkit.export.interpret import interpret
from xnorkit.export.lower import Export, rounded_to_half
from xnorkit.export.pack import export_model, pack
from xnorkit.export.packed_module import PackedModule, packed_module
from xnorkit.export.proof import FloatProof, LayerProof, Proof
from xnorkit.export.verify import verify

__all__ = [
    "Export",
    "FloatProof",
    "LayerProof",
    "PackedModule",
    "Proof",
    "explain",
    "export_model",
    "interpret",
    "pack",
    "packed_module",
    "rounded_to_half",
    "verify",
]
