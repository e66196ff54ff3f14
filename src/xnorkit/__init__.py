"""Binary neural networks of the XNOR-Net family: train in PyTorch, run on XNOR-popcount kernels without it.

Public names are loaded lazily, so that `import xnorkit` never imports torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

__all__ = ["__version__"]
