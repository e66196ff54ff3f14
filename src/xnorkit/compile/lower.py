"""Trained module -> packed graph: capture, choose where bits flow, emit nodes, run the passes over them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from xnorkit.compile.draft import Draft
from xnorkit.compile.dynamic import check_dynamic
from xnorkit.compile.emit import emit, reads_pixels
from xnorkit.compile.frontend.capture import Capture, Captured
from xnorkit.compile.frontend.model_copy import copied
from xnorkit.compile.frontend.network import build_network, image_shape
from xnorkit.compile.layers import BINARY, FLOAT
from xnorkit.compile.passes import choose_bits, drop_identities, drop_unread, fold_affine, half_weights, share_nodes
from xnorkit.compile.values import Network, Value
from xnorkit.errors import ExportError, FormatError
from xnorkit.format import Graph, InputSpec, Normalization, Preparation, infer_shapes
from xnorkit.nn.integer import IntegerLayer
from xnorkit.nn.quantizers import PixelQuantizer

__all__ = ["Export", "lower", "rounded_to_half"]


@dataclass(frozen=True)
class Export:
    """A packed graph and its origin.

    Attributes:
        graph: ready for `xnorkit.format.write`.
        origins: name of every node -> the value of the trained model that the node gives.
        network: the values, with signs at the places where they are taken.
        capture: runs the model and records its calls.
        captured: the calls that the values name.
        notes: what each pass did.
    """

    graph: Graph
    origins: Mapping[str, Value]
    network: Network
    capture: Capture
    captured: Captured
    notes: Mapping[str, list[str]]


def lower(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    *,
    name: str | None = None,
    normalization: Normalization | None = None,
    preparation: Preparation | None = None,
    metadata: Mapping[str, Any] | None = None,
    half: bool = False,
    dynamic: bool = False,
) -> Export:
    """Return the packed program of a trained `model` with all that its proof and its explanation need.

    Args:
        model: trained module; it is evaluated as in `eval()` mode and not changed.
        input_shape: (C, H, W) of one image.
        name: name of the model in the file; the class name by default.
        normalization: mean and std per channel for uint8 images; None to accept only float32 images. An
            8-bit first layer that reads pixels brings its own.
        preparation: the other steps from pictures to the images of training (order of channels, mean image), or that
            those were not pictures; None: no other steps.
        metadata: what the file should say about itself (classes, recipe, accuracy, licence); JSON values.
        half: store the weights of float layers as float16. The program is then that of `rounded_to_half(model)`.
        dynamic: let the file run on other image sizes too.

    Raises:
        ExportError: see `pack`; or `dynamic` is set and a layer or pool works for one size only.
    """
    input_shape = image_shape(input_shape)
    _check_kinds(normalization=normalization, preparation=preparation, metadata=metadata, half=half, dynamic=dynamic)
    source = rounded_to_half(model) if half else model
    network, capture, captured = build_network(source, input_shape)
    channels = input_shape[0]
    if normalization is not None and len(normalization.mean) != channels:
        raise ExportError(
            f"the normalization has {len(normalization.mean)} channels, but it must have {channels}, as in input_shape."
        )
    with torch.no_grad():
        network = choose_bits(network)
        draft = emit(network)
    _run_passes(draft, half)
    _check_output(network.output)
    if not draft.nodes:
        raise ExportError(f"{type(model).__name__} has no convolution or linear layer, but it must have at least one.")
    pixels = reads_pixels(network)
    if pixels:
        normalization = _pixel_normalization(network)
    title = name or type(model).__name__.lower()
    try:
        spec = InputSpec(input_shape, normalization, kind="u8" if pixels else "f32", dynamic=dynamic)
        spec = spec if preparation is None else replace(spec, preparation=preparation)
        graph = Graph(title, spec, tuple(draft.nodes), draft.output, dict(metadata or {}))
        infer_shapes(graph)
    except FormatError as error:
        raise ExportError(str(error)) from error
    if dynamic:
        check_dynamic(network, graph)
    return Export(graph, draft.origins, network, capture, captured, draft.notes)


def _check_kinds(**options: Any) -> None:
    """Raise ExportError for an option of another type than its own."""
    kinds: Mapping[str, Any] = {
        "normalization": Normalization,
        "preparation": Preparation,
        "metadata": Mapping,
        "half": bool,
        "dynamic": bool,
    }
    for name, value in options.items():
        optional = value is None and kinds[name] is not bool
        if not optional and not isinstance(value, kinds[name]):
            wanted = "True or False" if kinds[name] is bool else f"a {kinds[name].__name__} or None"
            raise ExportError(f"{name} is {type(value).__name__}, but it must be {wanted}.")


@torch.no_grad()
def rounded_to_half(model: nn.Module) -> nn.Module:
    """Return a copy of `model` whose float layers hold weights and biases rounded to float16, as float32 numbers.

    Raises:
        ExportError: a weight is beyond the range of float16, 65504.
    """
    model = copied(model)
    for name, module in model.named_modules():
        if isinstance(module, FLOAT) and not isinstance(module, (*BINARY, IntegerLayer)):
            for role, tensor in module.named_parameters(recurse=False):
                tensor.copy_(tensor.half().float())
                if not tensor.isfinite().all():
                    raise ExportError(
                        f"'{name}.{role}' holds numbers above 65504, but for float16 they must be at most 65504."
                    )
    return model


def _run_passes(draft: Draft, half: bool) -> None:
    draft.notes["shared"] = share_nodes(draft)
    draft.notes["folded"] = fold_affine(draft, into_float=not half)
    draft.notes["identities"] = drop_identities(draft)
    draft.notes["shared"] += share_nodes(draft)
    draft.notes["unread"] = drop_unread(draft)
    if half:
        draft.notes["float16"] = half_weights(draft)


def _pixel_normalization(network: Network) -> Normalization:
    """Return the mean and std of the first layer's own quantizer."""
    quantizers = (getattr(value.operation, "quantizer", None) for value in network.values)
    quantizer = next(q for q in quantizers if isinstance(q, PixelQuantizer))
    return Normalization(tuple(map(float, quantizer.mean)), tuple(map(float, quantizer.std)))


def _check_output(output: Value) -> None:
    if output.kind != "f32":
        raise ExportError(f"the output '{output.name}' is {output.kind}, but it must be float numbers.")
    if len(output.torch_shape) == 1 and output.positions > 1:
        raise ExportError(
            f"the output '{output.name}' is a flattened image of {output.shape[1]} x {output.shape[2]}, but it must be "
            "a vector of logits, or an image that is not flattened."
        )
