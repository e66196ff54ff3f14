"""A packed program as a torch module: its forward runs the engine, through an operator that compilers keep."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xnorkit.errors import ExportError, InputError
from xnorkit.export.pack import pack
from xnorkit.format import Graph, infer_shapes
from xnorkit.format.file import from_bytes, to_bytes
from xnorkit.runtime import Model

__all__ = ["PackedModule", "packed_module"]

_MODELS: dict[str, Model] = {}
HELD = 16
"""Number of programs that are kept ready to run; a dropped one is made again from the module's bytes."""


class PackedModule(nn.Module):
    """Maps images (N, C, H, W), float32 or uint8, on the CPU to the packed program's outputs, (N, O) float32.

    The buffer `program` holds the `.xnor` file's bytes, so a state dict or an exported program contains all of it.
    There is no gradient: a backward pass raises InputError.
    """

    program: Tensor

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        content = to_bytes(graph)
        spec = infer_shapes(graph)[graph.output]
        flat = spec.height == spec.width == 1
        self.key = hashlib.sha256(content).hexdigest()
        self.output_shape = [spec.channels] if flat else [spec.channels, spec.height, spec.width]
        self.register_buffer("program", torch.from_numpy(np.frombuffer(content, np.uint8).copy()))

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, O), or (N, O, OH, OW) if the program's output is an image."""
        return _run(images, self.program, self.key, self.output_shape)

    def extra_repr(self) -> str:
        """Return the size, for print(module)."""
        return f"{self.program.numel():,} bytes, output {self.output_shape}"


def packed_module(
    model: nn.Module | Graph, input_shape: tuple[int, int, int] | None = None, **options: Any
) -> PackedModule:
    """Return an `nn.Module` whose forward runs the packed program of `model` on the engine.

    `torch.compile` and `torch.export` keep it as one call of the operator `xnorkit::run_packed`.

    Args:
        model: a trained module to pack, or a graph that is already packed.
        input_shape: (C, H, W) of one image, needed for a module.
        options: as in `export_model`.

    Raises:
        ExportError: `input_shape` is missing, or see `pack`.

    Examples:
        >>> packed = packed_module(create_model("lenet5"), (1, 28, 28))
        >>> packed(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """
    if isinstance(model, Graph):
        return PackedModule(model)
    if input_shape is None:
        raise ExportError(
            "packed_module: input_shape is missing, but for a torch module it must be (C, H, W) of one image."
        )
    return PackedModule(pack(model, input_shape, **options))


@torch.library.custom_op("xnorkit::run_packed", mutates_args=(), device_types="cpu")
def _run(images: Tensor, program: Tensor, key: str, output_shape: Sequence[int]) -> Tensor:
    if key not in _MODELS:
        if len(_MODELS) >= HELD:
            del _MODELS[next(iter(_MODELS))]
        _MODELS[key] = Model(from_bytes(program.numpy().tobytes(), limits=None))
    return torch.from_numpy(_MODELS[key](images))


@_run.register_fake
def _(images: Tensor, program: Tensor, key: str, output_shape: Sequence[int]) -> Tensor:
    return images.new_empty((images.shape[0], *output_shape), dtype=torch.float32)


def _refuse(context: Any, gradient: Tensor) -> None:
    raise InputError(
        "the backward pass runs through a packed program, which has no gradient, but the images must not require one. "
        "Train the module that was packed, and pack it again."
    )


_run.register_autograd(_refuse)
