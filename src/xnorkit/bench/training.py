"""`xnorkit bench training`: one training step of a binary network against its float32 twin."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from xnorkit.bench.peers.pytorch import torch_threads
from xnorkit.bench.timing import check_run, interleaved
from xnorkit.errors import InputError
from xnorkit.models import create_model, input_shape

__all__ = ["TrainingResult", "bench_training"]

PATHS = {"float": "float", "simulated": "xnor"}
CLASSES = 10


@dataclass(frozen=True)
class TrainingResult:
    """One row; field names are fixed so that figures can be compared over time.

    path: 'float' (float32 layers) or 'simulated' (binary layers computed in float32, as every training does).
    step_ms: median time of forward, backward and optimizer step; quartiles_ms: between them lies the middle half.
    peak_mib: on a GPU the largest memory in use during a step; on a CPU parameters, gradients, optimizer state, and
    what autograd keeps for the backward pass.
    """

    model: str
    path: str
    device: str
    threads: int
    batch: int
    step_ms: float
    peak_mib: float
    quartiles_ms: tuple[float, float]

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return asdict(self)


def bench_training(
    name: str, *, batch: int = 32, threads: int = 1, device: str = "cpu", seconds: float = 20.0
) -> list[TrainingResult]:
    """Return a row per path for model `name` on random images, measured in turns.

    Raises:
        InputError: `batch` is below 1, `device` is not available, or `check_run` refuses the rest.
    """
    check_run(threads, seconds)
    if batch < 1:
        raise InputError(f"batch={batch}; required: at least 1.")
    target = _device(device)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, *input_shape(name), generator=generator).to(target)
    labels = torch.randint(CLASSES, (batch,), generator=generator).to(target)
    steps = {path: _Step(create_model(name, CLASSES, kind).to(target), images, labels) for path, kind in PATHS.items()}
    with torch_threads(threads):
        memory = {path: step.peak_bytes() for path, step in steps.items()}
        candidates: dict[str, Callable[[], object]] = dict(steps)
        times = interleaved(candidates, seconds=seconds, min_rounds=5)
    return [
        TrainingResult(
            name, path, device, threads, batch, timing.median_us / 1e3, memory[path] / 2**20, _ms(timing.quartiles_us)
        )
        for path, timing in times.items()
    ]


def _ms(us: tuple[float, float]) -> tuple[float, float]:
    return us[0] / 1e3, us[1] / 1e3


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device '{name}' is not available ({error}); required: cpu, or a GPU that PyTorch sees."
        ) from error
    return device


class _Step:
    """One training step; a call runs it to its end."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        self.model = model.train()
        self.images = images
        self.labels = labels
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def __call__(self) -> None:
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()
        if self.images.is_cuda:
            torch.cuda.synchronize(self.images.device)

    def peak_bytes(self) -> int:
        """Return the memory of one step, after one that has made the optimizer's state."""
        self()
        if self.images.is_cuda:
            torch.cuda.reset_peak_memory_stats(self.images.device)
            self()
            return torch.cuda.max_memory_allocated(self.images.device)
        kept: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            self()
        state = [value for values in self.optimizer.state.values() for value in values.values()]
        for tensor in [*self.model.parameters(), *self.model.buffers(), *state]:
            keep(tensor)
        gradients = sum(p.numel() * p.element_size() for p in self.model.parameters())
        return sum(kept.values()) + gradients
