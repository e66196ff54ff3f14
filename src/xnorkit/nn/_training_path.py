"""Chooses the arithmetic of a binary layer: simulated in float32, or packed, on bits in the engine."""

import os
from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from xnorkit import _engine
from xnorkit.errors import InputError

__all__ = ["TrainingPath", "runs_packed", "wished_path"]

TrainingPath = Literal["auto", "simulated", "packed"]

PATHS: tuple[TrainingPath, ...] = ("auto", "simulated", "packed")
VARIABLE = "XNORKIT_TRAIN"


def wished_path() -> TrainingPath:
    """Return the value of the environment variable XNORKIT_TRAIN: 'auto' (the default), 'simulated' or 'packed'.

    Raises:
        InputError: for any other value.
    """
    wish = os.environ.get(VARIABLE) or "auto"
    for path in PATHS:
        if wish == path:
            return path
    raise InputError(f"{VARIABLE}={wish!r}, but it must be one of {', '.join(PATHS)}. Unset it for 'auto'.")


def runs_packed(x: Tensor, weight: Tensor) -> bool:
    """Return whether a layer that can run on bits should do so for this input: plain float32 tensors on a CPU.

    Tools that read the operations rather than the values (`torch.compile`, export, functional transforms) get
    the simulated path.
    """
    wish = wished_path()
    return (
        wish != "simulated"
        and type(x) is Tensor
        and x.device.type == "cpu"
        and weight.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.numel() > 0
        and not _observed()
        and (wish == "packed" or _has_kernels())
    )


def _observed() -> bool:
    return bool(
        torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None
        or _get_current_dispatch_mode() is not None
        or torch._C._functorch.peek_interpreter_stack() is not None
    )


@cache
def _has_kernels() -> bool:
    """Return whether the engine has kernels for this CPU; portable code is slower than PyTorch's convolutions."""
    return _engine.default_isa() not in {"portable", "reference", "neon", "neon_dot"}
