"""Binary neural networks of the XNOR-Net family: train in PyTorch, run on XNOR-popcount kernels without it.

Public names are loaded when first used, so that `import xnorkit` never imports torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "BConfig": "xnorkit.nn",
    "BinaryConv2d": "xnorkit.nn",
    "BinaryLinear": "xnorkit.nn",
    "Limits": "xnorkit.format",
    "convert": "xnorkit.nn",
    "create_model": "xnorkit.models",
    "list_models": "xnorkit.models",
    "load": "xnorkit.runtime",
    "pack": "xnorkit.export",
    "prepare_binary_model": "xnorkit.nn",
    "summary": "xnorkit.inspection",
    "verify": "xnorkit.export",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604  (the keys are strings)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'xnorkit' has no attribute '{name}'")
    try:
        return getattr(import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        message = f"xnorkit.{name} needs torch; install it with: pip install 'xnorkit[train]'"
        raise ModuleNotFoundError(message, name="torch") from error


def __dir__() -> list[str]:
    return sorted(__all__)
