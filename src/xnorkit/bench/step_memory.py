"""Memory of a training step: what autograd keeps, the peak, and what stays from step to step."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from xnorkit.bench.training_step import Step

__all__ = ["StepMemory", "step_memory"]

SILENT = "10"


@dataclass(frozen=True)
class StepMemory:
    """Bytes.

    saved: storages that autograd keeps for the backward pass when the forward pass has ended, each counted once; those
        of parameters, buffers and the batch are left out.
    peak: on a CPU, what exists before the step (parameters, buffers, optimizer state, the batch) and the most that
        PyTorch's allocator holds at one time during the step beside it, by the memory events of its profiler:
        activations, gradients, temporary tensors, and what oneDNN takes from that allocator. Not in it: interpreter and
        libraries, the engine's working memory, which each of its calls frees (about 10 MiB at the layers of ResNet-18
        for CIFAR-10), and what the C library holds beyond living tensors, which can be as much again
        (docs/training-speed.md). On a GPU the largest memory in use during a step, by PyTorch's own count.
    state: parameters, their gradients, buffers, and optimizer state.
    """

    saved: int
    peak: int
    state: int


def step_memory(step: Step) -> StepMemory:
    """Return the memory of `step`, after one step that makes the optimizer's state."""
    step()
    state = [value for values in step.optimizer.state.values() for value in values.values()]
    parameters = list(step.model.parameters())
    own = _Storages([*parameters, *step.model.buffers(), *state])
    gradients = _Storages([p.grad for p in parameters if p.grad is not None])
    batch = _Storages([step.images, step.labels])
    saved = _saved(step).without(own, batch)
    return StepMemory(saved.nbytes(), _peak(step, own.nbytes() + batch.nbytes()), own.nbytes() + gradients.nbytes())


class _Storages:
    """Storages of living tensors: address -> bytes."""

    def __init__(self, tensors: Iterable[Tensor] = ()) -> None:
        self.sizes = dict[int, int]()
        for tensor in tensors:
            self.add(tensor)

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.sizes[storage.data_ptr()] = storage.nbytes()

    def without(self, *others: "_Storages") -> "_Storages":
        rest = _Storages()
        known = {address for other in others for address in other.sizes}
        rest.sizes = {address: size for address, size in self.sizes.items() if address not in known}
        return rest

    def nbytes(self) -> int:
        return sum(self.sizes.values())


def _saved(step: Step) -> _Storages:
    kept = _Storages()

    def pack(tensor: Tensor) -> Tensor:
        kept.add(tensor)
        return tensor.detach()

    step.optimizer.zero_grad()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = step.loss()
    loss.backward()
    step.update()
    return kept


def _peak(step: Step, before: int) -> int:
    step.optimizer.zero_grad()  # so that gradients are allocated, and counted, in the step
    if step.images.is_cuda:
        torch.cuda.reset_peak_memory_stats(step.images.device)
        step()
        return torch.cuda.max_memory_allocated(step.images.device)
    os.environ.setdefault("KINETO_LOG_LEVEL", SILENT)  # else the profiler writes of its start and stop
    with torch.autograd.profiler.profile(profile_memory=True) as profiler:
        step()
    results = profiler.kineto_results
    assert results is not None
    changes = [event for event in results.events() if event.name() == "[memory]"]
    most = now = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return before + most
