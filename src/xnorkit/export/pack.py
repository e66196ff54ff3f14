"""Trained module -> packed graph that was proved on a few images before anybody gets it."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from xnorkit.compile.chain import Bits
from xnorkit.compile.dynamic import check_same_steps
from xnorkit.compile.frontend.model_copy import BATCH
from xnorkit.compile.frontend.network import image_shape
from xnorkit.compile.lower import Export, lower, rounded_to_half
from xnorkit.errors import BinarizationWarning, ExportError, FormatError
from xnorkit.format import Graph
from xnorkit.format.file import from_bytes, to_bytes
from xnorkit.proof.trained import TrainedValues
from xnorkit.proof.verify import prove
from xnorkit.proof.witness import Witness
from xnorkit.runtime import Model

__all__ = ["export_model", "pack"]

RUNS = ((BATCH, True), (BATCH + 3, False))
"""Number of images, and whether gradients are on, in the runs that are compared with the untouched model.

The last number differs from that of the run from which the program was made, to reveal steps that depend on it."""

OPTIONS = inspect.getfullargspec(lower).kwonlyargs
Growth = tuple[Callable[[int], int], Callable[[int], int]]
OTHER_SIZES: tuple[Growth, ...] = (
    (lambda n: n + 1, lambda n: n + 2),
    (lambda n: n + 2, lambda n: n + 1),
    (lambda n: 2 * n + 1, lambda n: 2 * n + 1),
)
"""The heights and widths of the checks that a dynamic program fits any size."""


def pack(model: nn.Module, input_shape: tuple[int, int, int], **options: Any) -> Graph:
    """Return the packed program of a trained `model`, ready for `xnorkit.format.write`.

    Binary layers become nodes on bits. The steps between a value and a sign become thresholds on that value, integer
    ones if it is a binary layer's sum, and max-pools between them move onto the bits. All else stays float32. The
    untouched model then runs on the same few generated images as the program, and every node must give its numbers.

    Args:
        model: trained module; it is evaluated as in `eval()` mode and not changed.
        input_shape: (C, H, W) of one image.
        options: see `export_model`.

    Raises:
        ExportError: a module has no exact counterpart (named, with the reason), a weight is NaN or infinite, or
            the model does not run on `input_shape`.

    Warns:
        BinarizationWarning: the input bits of a layer are the same for every image.

    Examples:
        >>> graph = pack(create_model("lenet5"), (1, 28, 28))
        >>> xnorkit.format.write("lenet5.xnor", graph)
    """
    return export_model(model, input_shape, **options).graph


def export_model(model: nn.Module, input_shape: tuple[int, int, int], **options: Any) -> Export:
    """Return the packed program of a trained `model` with all that its proof and its explanation need.

    Args:
        model: trained module; it is evaluated as in `eval()` mode and not changed.
        input_shape: (C, H, W) of one image.
        options: `name`, `normalization`, `preparation`, `metadata`, `half` and `dynamic`, see
            `xnorkit.compile.lower.lower`.

    Raises:
        ExportError: see `pack`; or `dynamic` is set and a layer or pool works for one size only.
    """
    unknown = next((name for name in options if name not in OPTIONS), None)
    if unknown is not None:
        raise TypeError(f"there is no option '{unknown}'; the options are {', '.join(OPTIONS)}.")
    input_shape = image_shape(input_shape)
    export = lower(model, input_shape, **options)
    _validate(export)
    witness = Witness(rounded_to_half(model) if options.get("half") else model)
    rng = np.random.default_rng(0)
    for count, gradients in RUNS:
        images = rng.standard_normal((count, *input_shape), dtype=np.float32)
        trained = TrainedValues(export, images)
        witness.check(trained.captured, gradients=gradients)
    prove(export, Model(export.graph), images, trained)
    if export.graph.input.dynamic:
        for growth in OTHER_SIZES:
            _check_other_size(export, model, options, growth)
    _warn_of_dead_signs(export)
    return export


def _warn_of_dead_signs(export: Export) -> None:
    """Warn about layers whose input bits are the same for every image, because their thresholds exceed all values."""
    bits = [(value.name, value.operation) for value in export.network.values if isinstance(value.operation, Bits)]
    dead = [name.removesuffix(".sign") for name, operation in bits if operation.dead]
    if dead:
        warnings.warn(
            f"every input bit of {', '.join(dead)} is the same for every image, so nothing is computed there. "
            'Remedies: activations="auto" of prepare_binary_model before training, or a BatchNorm before the sign.',
            BinarizationWarning,
            stacklevel=4,
        )


def _validate(export: Export) -> None:
    """Refuse a program that a reader of the format would refuse."""
    try:
        from_bytes(to_bytes(export.graph), limits=None)
    except FormatError as error:
        raise ExportError(f"the model has no valid program: {error}") from error


def _check_other_size(export: Export, model: nn.Module, options: dict[str, Any], growth: Growth) -> None:
    """Refuse a dynamic program that would differ if it had been made from images of another size."""
    channels, height, width = export.graph.input.shape
    grown = (channels, growth[0](height) if height > 1 else 1, growth[1](width))
    if not _runs(export, grown):
        grown = (channels, 2 * height if height > 1 else 1, 2 * width)
    check_same_steps(export.graph, lower(model, grown, **options).graph)


def _runs(export: Export, shape: tuple[int, int, int]) -> bool:
    try:
        with torch.no_grad():
            export.capture.model(torch.zeros(BATCH, *shape))
    except Exception:
        return False
    return True
