"""Model registry and one file per architecture."""

from xnorkit.models.lenet5 import LeNet5
from xnorkit.models.registry import create_model, input_shape, list_models

__all__ = ["LeNet5", "create_model", "input_shape", "list_models"]
