"""One forward pass of zeros that leaves no trace in the model, and the calls that it makes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from xnorkit.errors import InputError

__all__ = ["Call", "record_calls"]


@dataclass(frozen=True)
class Call:
    """One call of a module: shapes with the batch, None where there is no tensor."""

    module: nn.Module
    input_shape: tuple[int, ...] | None
    output_shape: tuple[int, ...] | None


def record_calls(
    model: nn.Module, modules: Sequence[nn.Module], input_shape: tuple[int, ...], counted: tuple[type, ...] = ()
) -> tuple[list[Call], int]:
    """Return the calls of `modules`, in order of their end, while `model` evaluates one input of zeros.

    Also returned: the multiply-adds outside the calls of modules of the types `counted`, as of an attention or of a
    convolution that a forward calls as a function. PyTorch's FlopCounterMode counts them, padding included.

    The model's mode, buffers and hooks and the random state are restored afterwards. Its own hooks do run.

    Args:
        model: module whose forward takes one tensor.
        modules: submodules to watch.
        input_shape: of one input, without the batch.
        counted: types of modules whose multiply-adds are known otherwise.

    Raises:
        InputError: the model does not run on that input.
    """
    calls: list[Call] = []
    flops, inside, open_calls = FlopCounterMode(display=False), 0, [0]

    def begin(*_: Any) -> None:
        open_calls.append(flops.get_total_flops())

    def end(*_: Any) -> None:
        nonlocal inside
        began = open_calls.pop()
        inside += flops.get_total_flops() - began if len(open_calls) == 1 else 0

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        calls.append(Call(module, _shape([*args, *kwargs.values()]), _shape([output])))

    parameter = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    image = torch.zeros(1, *input_shape, dtype=parameter.dtype, device=parameter.device)
    handles = [module.register_forward_hook(note, with_kwargs=True) for module in modules]
    for module in model.modules() if counted else ():
        if isinstance(module, counted):
            handles += [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]
    try:
        with _unchanged(model), torch.no_grad(), _slow_attention(), flops:
            model(image)
    except Exception as error:
        raise InputError(
            f"{type(model).__name__} does not run on one input of zeros of shape {tuple(input_shape)}: {error}. "
            "Pass input_shape without the batch, such as (3, 32, 32), and a model whose forward takes one tensor."
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return calls, (flops.get_total_flops() - inside) // 2


@contextmanager
def _slow_attention() -> Iterator[None]:
    """Keep attention from its fused forms inside, which FlopCounterMode does not count on a CPU."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """Evaluate inside; restore modes, buffers and random state afterwards."""
    # Set as attributes: the model's own train(), which may keep its batch norms frozen, must not interfere.
    modes = {module: module.training for module in model.modules()}
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in modes
        for name, buffer in module.named_buffers(recurse=False, remove_duplicate=False)
    ]
    devices = sorted({buffer.get_device() for buffer in [*model.parameters(), *model.buffers()] if buffer.is_cuda})
    with torch.random.fork_rng(devices):
        for module in modes:
            module.training = False
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            with torch.no_grad():
                for module, name, buffer, before in buffers:
                    module._buffers[name] = buffer  # the object too, in case forward has replaced it
                    if not torch.equal(buffer, before):
                        buffer.copy_(before)


def _shape(values: Sequence[Any]) -> tuple[int, ...] | None:
    return next((tuple(value.shape) for value in values if isinstance(value, Tensor)), None)
