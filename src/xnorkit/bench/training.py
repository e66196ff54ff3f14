"""`xnorkit bench training`: one training step of a binary network, on bits or not, beside its float32 twin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xnorkit import _engine
from xnorkit.bench.engines import MODEL_ENGINES, Note, silent
from xnorkit.bench.machine import machine
from xnorkit.bench.peers.pytorch import torch_threads
from xnorkit.bench.timing import Row, Timing, check_run, interleaved
from xnorkit.bench.training_step import CLASSES, PATHS, Step, StepMemory, make_step, step_memory
from xnorkit.errors import InputError
from xnorkit.models import binarizations, input_shape
from xnorkit.train.memory import reuse_memory

__all__ = ["PATHS", "TrainingResult", "bench_training"]

MIN_ROUNDS = 5
MIB = 2**20


@dataclass(frozen=True)
class TrainingResult(Row):
    """One row; field names are fixed so that figures can be compared over time.

    path: 'float' (the twin with float32 layers), 'simulated' (binary layers computed in float32), 'packed' (on bits),
        'binop' and 'bnn-style' (training loops as XNOR-Net-PyTorch and binary-networks-pytorch write them, see
        `xnorkit.bench.published_loops`).
    step_ms: median time of forward, backward and Adam step; quartiles_ms: between them lies the middle half;
        min_ms: the shortest, for a busy machine.
    over_float: step_ms over that of the float path in the same run; null without it.
    saved_mib, peak_mib, state_mib: memory of a step, see `xnorkit.bench.training_step.StepMemory`.
    isa: instruction set of the engine for the packed path, or the one that PyTorch is held to; null where it is free.
    machine: cpu, cores, os, python, versions.
    """

    model: str
    binarization: str
    path: str
    device: str
    threads: int
    batch: int
    step_ms: float
    quartiles_ms: tuple[float, float]
    min_ms: float
    over_float: float | None
    saved_mib: float
    peak_mib: float
    state_mib: float
    isa: str | None
    machine: dict[str, Any]


def bench_training(
    name: str,
    *,
    paths: Sequence[str] = (),
    binarization: str | None = None,
    batch: int = 32,
    threads: Sequence[int] = (1,),
    device: str = "cpu",
    seconds: float = 20.0,
    note: Note = silent,
) -> list[TrainingResult]:
    """Return a row per number of threads and path for model `name` on random images, measured in turns.

    Every path has a model, an optimizer and channels-last memory of its own; `reuse_memory` is called first, so that no
    path pays for pages that the system fills with zeros.

    Args:
        name: one of `xnorkit.models.list_models()`.
        paths: some of `PATHS`; without any, all that this model and device support, and `note` takes the others.
        binarization: one of `xnorkit.models.binarizations(name)` with binary layers; None for the first.
        batch: the number of images per step.
        threads: the numbers of threads of PyTorch and of the engine, one run each.
        device: the device of PyTorch; layers train on bits only on the CPU.
        seconds: the time of measurement per number of threads, with at least 5 rounds.
        note: a function that takes a line about each path that was left out.

    Raises:
        InputError: `batch` is below 1, a path is unknown or not supported by this model, `binarization` is 'float',
            `device` is not available, there are no threads, or `check_run` refuses the rest.
        RecipeError: the model or binarization is unknown.
    """
    _check(paths, batch, threads, seconds)
    kind = _binary_kind(name, binarization)
    target = _device(device)
    reuse_memory()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, *input_shape(name), generator=generator).to(target)
    labels = torch.randint(CLASSES, (batch,), generator=generator).to(target)
    steps = _steps(paths, (name, kind), (images, labels), note)
    rows = []
    for count in threads:
        with torch_threads(count):
            memory = {path: step_memory(step) for path, step in steps.items()}
            candidates: dict[str, Callable[[], object]] = dict(steps)
            times = interleaved(candidates, seconds=seconds, min_rounds=MIN_ROUNDS)
        base = times.get("float")
        rows += [_row((name, kind, path, device, count, batch), times[path], base, memory[path]) for path in candidates]
    return rows


def _steps(paths: Sequence[str], model: tuple[str, str], data: tuple[Tensor, Tensor], note: Note) -> dict[str, Step]:
    steps = {}
    for path in paths or PATHS:
        try:
            steps[path] = make_step(path, *model, *data)
        except InputError as error:
            if paths:
                raise
            note(f"{path}: {error}")
    return steps


def _row(
    run: tuple[str, str, str, str, int, int], timing: Timing, base: Timing | None, memory: StepMemory
) -> TrainingResult:
    held = next(engine for engine in MODEL_ENGINES if engine.name == "torch_f32").held_to()
    lower, upper = timing.quartiles_us
    return TrainingResult(
        *run,
        step_ms=timing.median_us / 1e3,
        quartiles_ms=(lower / 1e3, upper / 1e3),
        min_ms=timing.min_us / 1e3,
        over_float=timing.median_us / base.median_us if base else None,
        saved_mib=memory.saved / MIB,
        peak_mib=memory.peak / MIB,
        state_mib=memory.state / MIB,
        isa=_engine.default_isa() if run[2] == "packed" else held,
        machine=machine(),
    )


def _check(paths: Sequence[str], batch: int, threads: Sequence[int], seconds: float) -> None:
    for path in paths:
        if path not in PATHS:
            raise InputError(f"path '{path}', but it must be any of {', '.join(PATHS)}.")
    if batch < 1 or not threads:
        raise InputError(f"batch={batch}, threads={list(threads)}, but all must be at least 1.")
    for count in threads:
        check_run(count, seconds)


def _binary_kind(name: str, binarization: str | None) -> str:
    if binarization == "float":
        raise InputError(
            "binarization 'float' has no binary layers, but the benchmark needs some. Choose one of "
            f"{', '.join(kind for kind in binarizations(name) if kind != 'float')}. The float twin is measured anyway."
        )
    return binarization or next(kind for kind in binarizations(name) if kind != "float")


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device '{name}' is not available ({error}). Choose cpu or a GPU that PyTorch sees."
        ) from error
    return device
