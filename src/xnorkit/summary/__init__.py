"""What a PyTorch model is made of, layer by layer: bits, parameters, multiply-adds, memory, and why not binary.

The package can be called: `xnorkit.summary(model, input_shape)` is `summarize_module(model, input_shape)`, whether or
not the package has been imported, which makes it an attribute of `xnorkit`.
"""

import sys
from types import ModuleType
from typing import Any

from xnorkit.summary.figures import LayerFigures, ModelSummary, TotalFigures
from xnorkit.summary.module import summarize_module

__all__ = ["LayerFigures", "ModelSummary", "TotalFigures", "summarize_module"]


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> ModelSummary:
        return summarize_module(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
