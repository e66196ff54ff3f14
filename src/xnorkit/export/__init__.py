"""`pack` compiles and proves a trained module; also its program as a torch module, and an account of the compiler."""

from xnorkit.compile.lower import Export, rounded_to_half
from xnorkit.export.explain import explain
from xnorkit.export.pack import export_model, pack
from xnorkit.export.packed_module import PackedModule, packed_module
from xnorkit.proof.interpret import interpret
from xnorkit.proof.proof import FloatProof, LayerProof, Proof
from xnorkit.proof.verify import verify

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
