"""Callbacks of Lightning for binary networks."""

from xnorkit.callbacks.layer_figures import LayerFigures

__all__ = ["LayerFigures"]
