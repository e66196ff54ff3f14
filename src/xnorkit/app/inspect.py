"""What any model consists of once packed. A `.xnor` file needs no torch."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xnorkit.bench.subjects import packed_file
from xnorkit.errors import ExportError, InputError
from xnorkit.format import Summary, read, summarize

if TYPE_CHECKING:
    from torch import nn

    from xnorkit.app.trained import Trained
    from xnorkit.export import Export
    from xnorkit.inspection import ModelSummary

__all__ = ["explain_model", "summarize_model"]


def summarize_model(model: str, *, pretrained: bool = False) -> "Summary | ModelSummary":
    """Return layers and totals: of the nodes of a `.xnor` file, or of the modules of a checkpoint or named model.

    If an architecture and a trained model share a name, it means the latter only with `pretrained`.

    The packed size of a checkpoint or named model is that of the file that `export` would write, or, if the model
    cannot be packed, an estimate that says why. If the data set of a checkpoint is not available, class names are left
    out.
    """
    path = packed_file(model, pretrained)
    if path is not None:
        return summarize(read(path), packed_bytes=path.stat().st_size)
    from xnorkit.inspection import summary
    from xnorkit.models import input_shape

    name, network, training = _network(model)
    figures = summary(network, input_shape(name), name=name)
    try:
        export = _pack_network(name, network, training)
    except ExportError as error:
        return replace(figures, not_packable=str(error))
    return replace(figures, file_bytes=summarize(export.graph).total.packed_bytes)


def explain_model(model: str, *, pretrained: bool = False) -> str:
    """Return in words what each pass of the exporter does with a model, and why layers are not on bits.

    A `.xnor` file does not say how it was made, so for it only the latter is returned.

    Raises:
        ExportError: the model cannot be exported; says why.
    """
    path = packed_file(model, pretrained)
    if path is not None:
        layers = [layer for layer in summarize(read(path)).layers if layer.bits > 1 or (layer.reason and layer.bits)]
        return "\n".join(["not on bits:", *(f"  '{layer.name}' ({layer.kind}): {layer.reason}" for layer in layers)])
    from xnorkit.export import explain

    return explain(_pack_network(*_network(model)))


def _network(model: str) -> "tuple[str, nn.Module, Trained | None]":
    """Return name and module of a checkpoint or named model; for a checkpoint also what belongs to its training."""
    from xnorkit.app.trained import load_trained
    from xnorkit.models import create_model

    path = Path(model)
    if path.is_file():
        trained = load_trained(path)
        return trained.recipe.model.name, trained.model, trained
    if path.suffix == ".ckpt" or len(path.parts) > 1:
        raise InputError(
            f"{model} does not exist, but it must be MODEL.xnor, a checkpoint, or a name from `xnorkit models`."
        )
    return model, create_model(model), None


def _pack_network(name: str, network: "nn.Module", trained: "Trained | None") -> "Export":
    from xnorkit.export import export_model
    from xnorkit.models import input_shape

    return export_model(network, input_shape(name), name=name) if trained is None else trained.pack()
