"""What a PyTorch model consists of, layer by layer: bits, parameters, multiply-adds, memory, and why not binary."""

from xnorkit.inspection.figures import LayerFigures, ModelSummary, TotalFigures
from xnorkit.inspection.model_summary import summary

__all__ = ["LayerFigures", "ModelSummary", "TotalFigures", "summary"]
