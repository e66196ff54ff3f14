"""One training step of each path, and the memory that it needs."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xnorkit.bench.published_loops import binary_layers, with_bin_op, with_sign_functions
from xnorkit.errors import InputError
from xnorkit.models import create_model
from xnorkit.nn import BinaryConv2d

__all__ = ["CLASSES", "PATHS", "Step", "StepMemory", "binary_path", "make_step", "step_memory"]

PATHS = ("float", "simulated", "packed", "binop", "bnn-style")
CLASSES = 10
VARIABLE = "XNORKIT_TRAIN"


class Step:
    """One step of Adam on one batch, all in channels-last memory; a call runs it to its end."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        model.to(images.device)
        self.model = model.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.images, self.labels = images.contiguous(memory_format=torch.channels_last), labels
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def loss(self) -> Tensor:
        """Return the loss, with its graph."""
        return nn.functional.cross_entropy(self.model(self.images), self.labels)

    def update(self) -> None:
        """Change the parameters by their gradients."""
        self.optimizer.step()

    def __call__(self) -> None:
        """Run the step."""
        self.optimizer.zero_grad()
        self.loss().backward()
        self.update()
        if self.images.is_cuda:
            torch.cuda.synchronize(self.images.device)


class _OnPath(Step):
    """The environment variable XNORKIT_TRAIN selects how the binary layers compute."""

    def __init__(self, path: str, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        super().__init__(model, images, labels)
        self.path = path

    def loss(self) -> Tensor:
        with _environment(VARIABLE, self.path):
            return super().loss()


class _WithBinOp(Step):
    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        self.bin_op = with_bin_op(model)
        super().__init__(model, images, labels)

    def loss(self) -> Tensor:
        self.bin_op.binarization()
        return super().loss()

    def update(self) -> None:
        self.bin_op.restore()
        self.bin_op.updateBinaryGradWeight()
        super().update()


def make_step(path: str, name: str, binarization: str, images: Tensor, labels: Tensor) -> Step:
    """Return the step of model `name` on one of `PATHS`.

    Raises:
        InputError: this network cannot be trained on that path.
    """
    if path == "float":
        return Step(create_model(name, CLASSES, "float"), images, labels)
    model = create_model(name, CLASSES, binarization)
    if path == "packed":
        _check_packed(name, model, images.device)
    if path == "binop":
        return _WithBinOp(model, images, labels)
    if path == "bnn-style":
        with_sign_functions(model)
        return Step(model, images, labels)
    return _OnPath(path, model, images, labels)


def binary_path() -> str:
    """Return how this machine trains a layer of signs: "packed", on bits, or "simulated", in float32."""
    layer = next(m for m in create_model("lenet5", binarization="xnor").modules() if isinstance(m, BinaryConv2d))
    return "packed" if layer.runs_on_bits(torch.zeros(1, layer.in_channels, 14, 14)) else "simulated"


def _check_packed(name: str, model: nn.Module, device: torch.device) -> None:
    if device.type != "cpu":
        raise InputError(f"path packed on device '{device}', but layers train on bits on the cpu alone. Choose cpu.")
    reasons = [layer.simulated_reason() for layer in binary_layers(model).values()]
    if all(reasons):
        reason = reasons[0] if reasons else "it has no binary layer"
        raise InputError(
            f"path packed of '{name}': no layer trains on bits ({reason}), but at least one must. Choose another "
            "binarization; docs/training-speed.md lists the layers that can."
        )


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


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
    """Return the memory of `step`, after one step that creates the optimizer's state."""
    step()
    state = [value for values in step.optimizer.state.values() for value in values.values()]
    parameters = list(step.model.parameters())
    own = _Storages([*parameters, *step.model.buffers(), *state])
    gradients = _Storages([p.grad for p in parameters if p.grad is not None])
    batch = _Storages([step.images, step.labels])
    saved = _saved(step).without(own, batch)
    return StepMemory(saved.nbytes(), _peak(step, own.nbytes() + batch.nbytes()), own.nbytes() + gradients.nbytes())


class _Storages:
    """The storages of live tensors: address -> bytes."""

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
    os.environ.setdefault("KINETO_LOG_LEVEL", SILENT)  # otherwise the profiler prints messages
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
