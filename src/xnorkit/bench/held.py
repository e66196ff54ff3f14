"""A network against peers that are held to the same instruction set: these read it when they are loaded."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from xnorkit import errors
from xnorkit.bench.engines import HOLD, Note, silent
from xnorkit.bench.model import ModelResult, bench_model
from xnorkit.bench.profile import StepResult

__all__ = ["bench_model_held"]


def bench_model_held(what: str, *, isa: str | None = None, note: Note = silent, **options: Any) -> list[ModelResult]:
    """Return the rows of `bench_model`, with peers held to `isa` where they can be.

    For an instruction set in `HOLD` the run takes place in a process of its own, in whose environment its variables
    stand before any library is loaded. `ModelResult.isa` says what each engine was held to.

    Args:
        what: as for `bench_model`.
        isa: instruction set of xnorkit's kernels, and of the peers.
        note: takes lines about engines that were left out.
        options: the other arguments of `bench_model`; sequences, numbers, texts and flags.

    Raises:
        XnorkitError: as `bench_model`; also EngineError if the process ends without rows.
    """
    wanted = HOLD.get(isa or "", {})
    if not wanted or not options.get("against", True):
        return bench_model(what, isa=isa, note=note, **options)
    with tempfile.TemporaryDirectory() as folder:
        order, answer = Path(folder) / "order.json", Path(folder) / "answer.json"
        order.write_text(json.dumps({"what": what, "isa": isa, **options}))
        command = [sys.executable, "-m", "xnorkit.bench.held", str(order), str(answer)]
        ended = subprocess.run(command, env={**os.environ, **wanted}, check=False)
        if not answer.is_file():
            raise errors.EngineError(
                f"the process that measures with isa '{isa}' ended with code {ended.returncode} and without rows; "
                "required: 0. What it wrote stands above."
            )
        result = json.loads(answer.read_text())
    for line in result["notes"]:
        note(line)
    if "error" in result:
        kind, message = result["error"]
        raise getattr(errors, kind)(message)
    return [_row(fields) for fields in result["rows"]]


def _row(fields: dict[str, Any]) -> ModelResult:
    steps = fields.pop("steps")
    return ModelResult(**fields, steps=None if steps is None else [StepResult(**step) for step in steps])


def _serve(order: Path, answer: Path) -> None:
    notes: list[str] = []
    result: dict[str, object] = {"notes": notes}
    try:
        result["rows"] = [row.to_json() for row in bench_model(note=notes.append, **json.loads(order.read_text()))]
    except errors.XnorkitError as error:
        result["error"] = [type(error).__name__, str(error)]
    answer.write_text(json.dumps(result))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), Path(sys.argv[2]))
