"""Benchmarks against peers that are held to the same instruction set, which they read when they are loaded."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorkit import errors
from xnorkit.bench.engines import HOLD, Note, silent
from xnorkit.bench.model import ModelResult, bench_model
from xnorkit.bench.peaks import check_isa
from xnorkit.bench.profile import StepResult

if TYPE_CHECKING:
    from xnorkit.bench.products import ProductResult
    from xnorkit.bench.training import TrainingResult

__all__ = ["bench_model_held", "bench_products_held", "bench_training_held"]

BENCHES = {"model": "bench_model", "training": "bench_training", "products": "bench_products"}
"""A module of `xnorkit.bench` -> its function."""


def bench_model_held(what: str, *, isa: str | None = None, note: Note = silent, **options: Any) -> list[ModelResult]:
    """Return the rows of `bench_model`, with peers held to `isa` if they can be.

    For an instruction set in `HOLD`, the run takes place in a separate process, in whose environment its variables
    are set before any library is loaded. `ModelResult.isa` is what each engine was held to.

    Args:
        what: as for `bench_model`.
        isa: the instruction set of xnorkit's kernels and of the peers.
        note: a function that takes lines about engines that were left out.
        options: the other arguments of `bench_model`; sequences, numbers, texts and flags.

    Raises:
        XnorkitError: as `bench_model`; also EngineError if the process ends without rows.
    """
    wanted = HOLD.get(isa or "", {})
    if not wanted or not options.get("against", True):
        return bench_model(what, isa=isa, note=note, **options)
    rows = _in_a_process("model", {"what": what, "isa": isa, **options}, wanted, note)
    return [_model_row(fields) for fields in rows]


def bench_training_held(
    name: str, *, isa: str | None = None, note: Note = silent, **options: Any
) -> "list[TrainingResult]":
    """Return the rows of `bench_training`, with the packed path on `isa` and PyTorch held to it if possible.

    With `isa`, the run takes place in a separate process, in whose environment XNORKIT_ISA and the variables of `HOLD`
    stand.

    Args:
        name: as for `bench_training`.
        isa: instruction set; None for the fastest.
        note: as for `bench_training`.
        options: the other arguments of `bench_training`.

    Raises:
        XnorkitError: as `bench_training`; InputError if `isa` is not available.
    """
    from xnorkit.bench.training import TrainingResult, bench_training

    if isa is None:
        return bench_training(name, note=note, **options)
    return [TrainingResult(**row) for row in _on_isa("training", {"name": name, **options}, isa, note)]


def bench_products_held(*, isa: str | None = None, **options: Any) -> "list[ProductResult]":
    """Return the rows of `bench_products`, on `isa` as in `bench_training_held`, with the same arguments."""
    from xnorkit.bench.products import ProductResult, bench_products

    if isa is None:
        return bench_products(**options)
    return [ProductResult(**row) for row in _on_isa("products", options, isa, silent)]


def _on_isa(bench: str, arguments: Mapping[str, Any], isa: str, note: Note) -> list[dict[str, Any]]:
    variables = {"XNORKIT_ISA": check_isa(isa), **HOLD.get(isa, {})}
    return _in_a_process(bench, arguments, variables, note)


def _in_a_process(
    bench: str, arguments: Mapping[str, Any], variables: Mapping[str, str], note: Note
) -> list[dict[str, Any]]:
    """Return the fields of a benchmark's rows, run in a process with these variables in its environment."""
    with tempfile.TemporaryDirectory() as folder:
        order, answer = Path(folder) / "order.json", Path(folder) / "answer.json"
        order.write_text(json.dumps({"bench": bench, "arguments": arguments}))
        command = [sys.executable, "-m", "xnorkit.bench.held", str(order), str(answer)]
        ended = subprocess.run(command, env={**os.environ, **variables}, check=False)
        if not answer.is_file():
            raise errors.EngineError(
                f"the process that measures with {variables} ended with code {ended.returncode} and without rows, "
                "but it must end with 0. Its output is above."
            )
        result = json.loads(answer.read_text())
    for line in result["notes"]:
        note(line)
    if "error" in result:
        kind, message = result["error"]
        raise getattr(errors, kind)(message)
    rows: list[dict[str, Any]] = result["rows"]
    return rows


def _model_row(fields: dict[str, Any]) -> ModelResult:
    steps = fields.pop("steps")
    return ModelResult(**fields, steps=None if steps is None else [StepResult(**step) for step in steps])


def _serve(order: Path, answer: Path) -> None:
    notes: list[str] = []
    result: dict[str, object] = {"notes": notes}
    wanted = json.loads(order.read_text())
    bench = wanted["bench"]
    takes_notes = {} if bench == "products" else {"note": notes.append}
    try:
        run = getattr(import_module(f"xnorkit.bench.{bench}"), BENCHES[bench])
        result["rows"] = [row.to_json() for row in run(**wanted["arguments"], **takes_notes)]
    except errors.XnorkitError as error:
        result["error"] = [type(error).__name__, str(error)]
    answer.write_text(json.dumps(result))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), Path(sys.argv[2]))
