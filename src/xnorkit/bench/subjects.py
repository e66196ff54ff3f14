"""The subject of `xnorkit bench model` (name, packed file, checkpoint) as a packed network and its float twin."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from xnorkit import zoo
from xnorkit.errors import InputError
from xnorkit.format import Graph, infer_shapes, read, summarize

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Subject", "load_subject", "packed_file"]

SEED = 0
SCALE_IMAGES = 2


@dataclass(frozen=True)
class Subject:
    """A packed network.

    trained: the torch model that was packed, whose answers the packed one is checked against; None for a file. twin:
    makes the same architecture without signs, in float32 with random weights; None where the architecture is unknown.
    """

    name: str
    graph: Graph
    file_bytes: int
    trained: "nn.Module | None" = None
    twin: "Callable[[], nn.Module] | None" = None


def packed_file(what: str, pretrained: bool = False) -> Path | None:
    """Return the `.xnor` file that `what` names: a file, or a trained model; None for anything else.

    Some trained models have the name of an architecture of `xnorkit models`. Such a name means the architecture, with
    random weights, unless `pretrained` asks for the trained model.

    Raises:
        InputError: `pretrained` is set, but no trained model has that name.
    """
    if Path(what).suffix == ".xnor":
        return Path(what)
    if pretrained:
        return zoo.path(what)
    if what not in zoo.list_pretrained() or Path(what).is_file():
        return None
    if find_spec("torch"):
        from xnorkit.models import list_models

        if what in list_models():
            return None
    return zoo.path(what)


def load_subject(
    what: str, binarization: str | None = None, *, int8_ends: bool = False, pretrained: bool = False
) -> Subject:
    """Return the network that `what` names: a file or trained model (`packed_file`), a checkpoint, or random weights.

    A model by name takes `binarization` (default its own) and, with `int8_ends`, 8-bit first and last layers.

    Raises:
        InputError: there is no such file or name, or `binarization` or `int8_ends` is set for a file.
        FormatError, ExportError, RecipeError: the file or model cannot be used.
    """
    path, packed = Path(what), packed_file(what, pretrained)
    is_file = packed is not None or path.is_file() or path.suffix == ".ckpt" or len(path.parts) > 1
    if is_file and (binarization is not None or int8_ends):
        option = "--int8-ends" if int8_ends else f"--binarization {binarization}"
        raise InputError(f"{option} needs a model by name, but a file was passed. Omit {option}.")
    if not is_file:
        return _by_name(what, binarization, int8_ends)
    return _checkpoint(path) if packed is None else _packed(packed)


def _by_name(name: str, binarization: str | None, int8_ends: bool) -> Subject:
    import torch

    from xnorkit.export import pack
    from xnorkit.format import Normalization
    from xnorkit.models import create_model, input_shape
    from xnorkit.nn.quantize_model import quantize_first_last_

    shape = input_shape(name)
    torch.manual_seed(SEED)
    model = create_model(name, binarization=binarization)
    normalization = None
    if int8_ends:
        mean, std = (0.5,) * shape[0], (0.25,) * shape[0]
        quantize_first_last_(model, mean=mean, std=std)
        normalization = Normalization(mean, std)
        with torch.no_grad():  # the first training batch sets the scale of the last layer's input
            model(torch.randn(SCALE_IMAGES, *shape))
    graph = pack(model, shape, name=name, normalization=normalization)
    return Subject(name, graph, summarize(graph).total.packed_bytes, model.eval(), _twin(name, graph))


def _packed(path: Path) -> Subject:
    graph = read(path)
    twin = _twin(graph.name, graph) if find_spec("torch") else None
    return Subject(graph.name, graph, path.stat().st_size, None, twin)


def _checkpoint(path: Path) -> Subject:
    from xnorkit.export import pack
    from xnorkit.models import input_shape
    from xnorkit.train import load_checkpoint

    model, recipe = load_checkpoint(path)
    name = recipe.model.name
    graph = pack(model, input_shape(name), name=name)
    return Subject(name, graph, summarize(graph).total.packed_bytes, model, _twin(name, graph))


def _twin(name: str, graph: Graph) -> "Callable[[], nn.Module] | None":
    import torch

    from xnorkit.models import create_model, list_models

    if name not in list_models():
        return None
    classes = infer_shapes(graph)[graph.output].channels

    def make() -> "nn.Module":
        torch.manual_seed(SEED)
        return create_model(name, classes, binarization="float").eval()

    return make
