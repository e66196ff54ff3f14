"""Binary neural networks of the XNOR-Net family: train in PyTorch, run on XNOR-popcount kernels without it.

Public names are loaded on first use, so `import xnorkit` never imports torch.
"""

from typing import TYPE_CHECKING

from xnorkit.lazy import attach as _attach

if TYPE_CHECKING:
    from xnorkit.app.picture import preprocess
    from xnorkit.export.pack import pack
    from xnorkit.format import Limits, Normalization, write
    from xnorkit.inspection import summary
    from xnorkit.models import create_model, list_models
    from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, convert, prepare_binary_model
    from xnorkit.proof.verify import verify
    from xnorkit.runtime import load

__version__ = "0.1.0"
__all__ = [
    "BConfig",
    "BinaryConv2d",
    "BinaryLinear",
    "Limits",
    "Normalization",
    "__version__",
    "convert",
    "create_model",
    "list_models",
    "load",
    "pack",
    "prepare_binary_model",
    "preprocess",
    "summary",
    "verify",
    "write",
]

_NAMES = {
    "app.picture": ("preprocess",),
    "export": ("pack", "verify"),
    "format": ("Limits", "Normalization", "write"),
    "inspection": ("summary",),
    "models": ("create_model", "list_models"),
    "nn": ("BConfig", "BinaryConv2d", "BinaryLinear", "convert", "prepare_binary_model"),
    "runtime": ("load",),
}

if not TYPE_CHECKING:  # a name that does not exist is an error for type checkers
    __getattr__, __dir__ = _attach(__name__, _NAMES)
