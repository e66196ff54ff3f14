"""`xnorkit bench model`: a packed network against its float32 twin in other engines, packing and layout included."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit import runtime
from xnorkit.bench.engines import ALL, MODEL_ENGINES, REMEDY, Choice, Engine, Note, choose, silent
from xnorkit.bench.faults import Faults, checked_error, relative_error
from xnorkit.bench.peaks import PeakMeter
from xnorkit.bench.profile import StepResult, ideal_us, profile
from xnorkit.bench.subjects import Subject, load_subject
from xnorkit.bench.timing import Row, Timing, check_run, interleaved
from xnorkit.errors import EngineError, InputError
from xnorkit.format import Graph, as_floats

if TYPE_CHECKING:
    from torch import nn

    from xnorkit.bench.twin import Twin

__all__ = ["OWN", "ModelResult", "bench_model", "float_bytes", "time_models"]

OWN = "xnorkit"
MIN_ROUNDS = 7
CHECKED_IMAGES = 4
OWN_TOLERANCE = 0.05


@dataclass(frozen=True)
class ModelResult(Row):
    """One row; field names are fixed so that figures can be compared over time.

    ideal_us: of xnorkit's network (`xnorkit.bench.profile`); null for peers. file_bytes: of the .xnor or .onnx file;
    for PyTorch its weights in float32. cores: processor time of the process over wall time. relative_error: distance of
    the logits from those of PyTorch float32, of the binary network for xnorkit (null for a .xnor file), of the float
    twin for peers. quartiles_us: between them lies the middle half of the samples. isa: instruction set of xnorkit's
    kernels, or the one that a peer is held to; null where a peer takes what it finds. steps: where the time of
    xnorkit's network goes, if that was asked for. fault: why a peer cannot be measured; then its figures are null.
    remark: the remark that is needed beside its time.
    """

    model: str
    engine: str
    threads: int
    batch: int
    median_us: float | None = None
    min_us: float | None = None
    ideal_us: float | None = None
    file_bytes: int | None = None
    cores: float | None = None
    relative_error: float | None = None
    quartiles_us: tuple[float, float] | None = None
    isa: str | None = None
    steps: list[StepResult] | None = None
    fault: str | None = None
    remark: str | None = None


def bench_model(
    what: str,
    *,
    against: Sequence[str] = ALL,
    threads: Sequence[int] = (1,),
    batch: Sequence[int] = (1,),
    seconds: float = 2.0,
    isa: str | None = None,
    binarization: str | None = None,
    int8_ends: bool = False,
    pretrained: bool = False,
    steps: bool = False,
    note: Note = silent,
) -> list[ModelResult]:
    """Return a row per number of threads, batch and engine, on random images, measured in turns.

    Images are float32, but uint8 for xnorkit if its network begins with 8-bit integers. A peer whose logits are wrong,
    or that raises, has a row with its fault and no figures; the others are measured.

    Args:
        what: the name of a model (random weights) or of a trained one, a `.xnor` file or a checkpoint.
        against: families or names of engines of `MODEL_ENGINES`, or "all" for every installed engine.
        threads: the numbers of threads of every engine, one run each.
        batch: the numbers of images per call, one run each.
        seconds: the time of measurement per run, with at least 7 rounds.
        isa: the instruction set of xnorkit's kernels; None for the fastest. `xnorkit.bench.held` holds peers to it too.
        binarization: the binarization of a model by name; None for its default.
        int8_ends: give a model by name 8-bit first and last layers.
        pretrained: take the trained model if the name also belongs to an architecture.
        steps: also return the steps of xnorkit's network with their times.
        note: a function that takes lines about engines that were left out, with the reasons.

    Raises:
        InputError: a batch is below 1, a peer is unknown, or `check_run` refuses the rest.
        EngineError: the logits of the packed network differ from the trained model's.
    """
    for count in threads:
        check_run(count, seconds)
    if not batch or min(batch) < 1 or not threads:
        raise InputError(f"batch={list(batch)}, threads={list(threads)}, but all must be at least 1.")
    choice = choose(against, MODEL_ENGINES, note)
    subject = load_subject(what, binarization, int8_ends=int8_ends, pretrained=pretrained)
    if subject.twin is None and choice.engines:
        choice = _without_twin(choice, subject.name, note)
    twin = _make_twin(subject) if choice.engines else None
    rows = []
    for count in threads:
        packed = runtime.Model(subject.graph, isa=isa, threads=count)
        for size in batch:
            rows += _Run(subject, packed, twin, choice, steps).measure(size, seconds)
    return rows


def float_bytes(model: "nn.Module") -> int:
    """Return the bytes of a model's weights and statistics, without the integer counters of batch norms."""
    return sum(t.numel() * t.element_size() for t in model.state_dict().values() if t.is_floating_point())


def time_models(
    packed: runtime.Model, twin: "nn.Module", *, threads: int, batch: int, seconds: float
) -> dict[str, Timing]:
    """Return the interleaved times of a packed model and its float32 twin in PyTorch eager, from array to logits."""
    import torch

    from xnorkit.bench.peers.pytorch import float_model, torch_threads

    images = _as_floats(packed.graph, _own_images(packed.graph, batch))
    with torch_threads(threads):
        candidates: dict[str, Callable[[], object]] = {
            OWN: lambda: packed(images),
            "torch_f32": float_model(twin, torch.from_numpy(images)),
        }
        return interleaved(candidates, seconds=seconds)


@dataclass(frozen=True)
class _Run:
    """One run: a packed network with its number of threads, and the peers."""

    subject: Subject
    packed: runtime.Model
    twin: "Twin | None"
    choice: Choice
    steps: bool

    def measure(self, batch: int, seconds: float) -> list[ModelResult]:
        """Return the rows for one batch."""
        own_images = _own_images(self.packed.graph, batch)
        images = _as_floats(self.packed.graph, own_images)
        errors: dict[str, float | None] = {OWN: self._own_error(own_images, images)}
        candidates: dict[str, Callable[[], Any]] = {OWN: lambda: self.packed(own_images)}
        threads = self.packed.threads
        faults = Faults([engine.name for engine in self.choice.engines], self.choice.absent)
        with self.twin.threads(threads) if self.twin else nullcontext():
            for engine in self.choice.engines:
                found = faults.attempt(engine.name, partial(self._peer, engine, images))
                if found is not None:
                    candidates[engine.name], errors[engine.name] = found
            meter = PeakMeter(self.packed.isa, threads, self.subject.file_bytes)
            times = interleaved(
                candidates, seconds=seconds, min_rounds=MIN_ROUNDS, each_round=meter, on_error=faults.take
            )
        limits = meter.limits()
        steps = profile(self.subject.graph, own_images, self.packed.isa, threads, limits) if self.steps else None
        own = replace(
            _timed(ModelResult(self.subject.name, OWN, threads, batch, isa=self.packed.isa), times[OWN]),
            ideal_us=ideal_us(self.subject.graph, limits, batch),
            file_bytes=self.subject.file_bytes,
            relative_error=errors[OWN],
            steps=steps,
        )
        rows = [own]
        for engine in MODEL_ENGINES:
            row = ModelResult(self.subject.name, engine.name, threads, batch, isa=engine.held_to())
            if engine.name in times and self.twin:
                size, error = self.twin.file_bytes(engine), errors[engine.name]
                row = replace(row, file_bytes=size, relative_error=error, remark=engine.remark())
                rows.append(_timed(row, times[engine.name]))
            elif engine.name in faults.reasons:
                rows.append(replace(row, fault=faults.reasons[engine.name]))
        return rows

    def _own_error(self, own_images: NDArray[Any], images: NDArray[np.float32]) -> float | None:
        """Return the distance from the trained model's logits, which is not always 0, because a sign of 0 may flip."""
        if self.subject.trained is None:
            return None
        import torch

        with torch.inference_mode():
            expected = self.subject.trained(torch.from_numpy(images[:CHECKED_IMAGES])).numpy()
        error = relative_error(self.packed(own_images[:CHECKED_IMAGES]), expected)
        if not error <= OWN_TOLERANCE:
            raise EngineError(
                f"the packed '{self.subject.name}' differs from the trained model by a relative error of {error:.2g}, "
                f"but at most {OWN_TOLERANCE} is allowed. `xnorkit export` shows where."
            )
        return error

    def _peer(self, engine: Engine, images: NDArray[np.float32]) -> tuple[Callable[[], Any], float]:
        """Return a peer's call and the error of its logits; `Twin.call` lists the exceptions."""
        assert self.twin is not None
        call = self.twin.call(engine, images, self.packed.threads)
        return call, checked_error(call(), self.twin.answer(images), engine.tolerance)


def _timed(row: ModelResult, timing: Timing) -> ModelResult:
    return replace(
        row, median_us=timing.median_us, min_us=timing.min_us, cores=timing.cores, quartiles_us=timing.quartiles_us
    )


def _without_twin(choice: Choice, name: str, note: Note) -> Choice:
    """Return a choice without engines, with a reason for those that the user named."""
    reason = f"'{name}' is not a name of `xnorkit models`, so its float twin is unknown"
    if find_spec("torch") is None:
        reason = f"PyTorch, which runs the float twin, is not installed; {REMEDY}"
    asked = {engine.name: reason for engine in choice.engines if engine.name in choice.asked}
    if not asked:
        note(f"no peers: {reason}")
    return Choice((), choice.asked, {**choice.absent, **asked})


def _make_twin(subject: Subject) -> "Twin":
    from xnorkit.bench.twin import Twin

    assert subject.twin is not None
    return Twin(subject.twin(), subject.graph.input.shape)


def _own_images(graph: Graph, batch: int) -> NDArray[Any]:
    """Return uint8 pixels for a network that begins with 8-bit integers of pixels, else normal float32 numbers."""
    rng = np.random.default_rng(0)
    shape = (batch, *graph.input.shape)
    if graph.input.kind == "u8" and graph.input.takes_pixels:
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return rng.standard_normal(shape, "f4")


def _as_floats(graph: Graph, images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the same images in the form that the float32 twin takes."""
    return as_floats(images, graph.input) if graph.input.takes_floats else images
