"""What networks take: the file, the weights, and a program that is ready to run."""

from collections.abc import Iterable

from xnorkit import runtime
from xnorkit.bench.model import float_bytes
from xnorkit.bench.subjects import load_subject
from xnorkit.models import count_weights, create_model
from xnorkit.report.records import Record
from xnorkit.report.study.step import Step, blank, measured
from xnorkit.report.study.study import Study

__all__ = ["steps"]

SECONDS = 1.0


def steps(study: Study) -> Iterable[Step]:
    """Yield one step per network and family."""
    for model, family in study.plan.memory:
        yield _step(model, family)


def _step(model: str, family: str) -> Step:
    record = blank("memory", f"{model}/{family}", {"model": model, "family": family}, f"xnorkit inspect {model}")

    def measure() -> Iterable[Record]:
        yield measured(record, _float(model) if family == "float" else _packed(model, family))

    return Step(f"memory of {model}, {family}", SECONDS, [record], measure)


def _float(model: str) -> dict[str, int | float]:
    """Return the figures of PyTorch's float32 weights and statistics; a file of them is as large."""
    size = float_bytes(create_model(model, binarization="float"))
    counts = count_weights(model, "float")
    return _values(size, size, size, counts.binary_weights, counts.params)


def _packed(model: str, family: str) -> dict[str, int | float]:
    """Return the figures of the packed file, and of weights and activation buffers of its program for one image."""
    subject = load_subject(model, family)
    program = runtime.Model(subject.graph, threads=1)
    resident = program.weight_bytes + program.arena_bytes
    counts = count_weights(model, family)
    return _values(subject.file_bytes, program.weight_bytes, resident, counts.binary_weights, counts.params)


def _values(file: int, weights: int, resident: int, binary: int, params: int) -> dict[str, int | float]:
    return {
        "file_bytes": file,
        "weight_bytes": weights,
        "resident_bytes": resident,
        "binary_params": binary,
        "params": params,
    }
