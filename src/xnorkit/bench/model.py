"""`xnorkit bench model`: a packed network against its float32 twin, packing and layout included."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from xnorkit import _engine, runtime
from xnorkit.bench.timing import Timing, check_run, interleaved
from xnorkit.bench.torch_peer import float_model, torch_threads
from xnorkit.errors import InputError
from xnorkit.export import pack
from xnorkit.format import summarize, write
from xnorkit.models import create_model, input_shape

__all__ = ["ENGINES", "ModelResult", "bench_model", "float_bytes", "ideal_us", "time_models"]

ENGINES = ("torch",)


@dataclass(frozen=True)
class ModelResult:
    """One row; field names are fixed so that figures can be compared over time. file_bytes of peers: float weights."""

    model: str
    engine: str
    threads: int
    batch: int
    median_us: float
    min_us: float
    ideal_us: float | None
    file_bytes: int

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON values."""
        return asdict(self)


def bench_model(
    name: str,
    *,
    against: Sequence[str] = ENGINES,
    threads: int = 1,
    batch: int = 1,
    seconds: float = 2.0,
    isa: str | None = None,
) -> list[ModelResult]:
    """Return one row per engine for model `name` with random weights, on random float32 images, measured in turns.

    Raises:
        InputError: `batch` is below 1, or `check_run` refuses the rest.
    """
    check_run(against, ENGINES, threads, seconds)
    if batch < 1:
        raise InputError(f"batch={batch}; required: at least 1.")
    torch.manual_seed(0)
    shape = input_shape(name)
    graph = pack(create_model(name, binarization="xnor"), shape, name=name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xnor"
        write(path, graph)
        file_bytes = path.stat().st_size
        packed = runtime.load(path, isa=isa, threads=threads)
    twin = create_model(name, binarization="float") if "torch" in against else None
    times = time_models(packed, twin, threads=threads, batch=batch, seconds=seconds)
    twin_bytes = float_bytes(twin) if twin else 0
    rows = []
    for engine, timing in times.items():
        own = engine == "xnorkit"
        ideal = ideal_us(packed, threads, batch) if own else None
        size = file_bytes if own else twin_bytes
        rows.append(ModelResult(name, engine, threads, batch, timing.median_us, timing.min_us, ideal, size))
    return rows


def float_bytes(model: torch.nn.Module) -> int:
    """Return the bytes of a model's weights and statistics; the integer counters of batch norms are none."""
    return sum(t.numel() * t.element_size() for t in model.state_dict().values() if t.is_floating_point())


def time_models(
    packed: runtime.Model, twin: torch.nn.Module | None, *, threads: int, batch: int, seconds: float
) -> dict[str, Timing]:
    """Return the interleaved times of a packed model and its float32 twin in PyTorch eager, from array to logits."""
    images = np.random.default_rng(0).standard_normal((batch, *packed.input_shape), dtype=np.float32)
    candidates: dict[str, Callable[[], object]] = {"xnorkit": lambda: packed(images)}
    if twin is not None:
        candidates["torch_f32"] = float_model(twin, torch.from_numpy(images))
    with torch_threads(threads):
        return interleaved(candidates, seconds=seconds)


def ideal_us(packed: runtime.Model, threads: int, batch: int) -> float:
    """Return the time that the arithmetic alone would take: 1-bit and 32-bit multiply-adds at their measured peaks."""
    total = summarize(packed.graph).total
    binary = total.macs_1bit / _engine.peak_binary_gmacs(packed.isa)
    floats = total.macs_32bit / _engine.peak_float_gmacs(packed.isa)
    return (binary + floats) * batch / threads / 1e3
