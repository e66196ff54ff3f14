"""Time per call of whole networks, ours and what else one could run."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

from xnorkit.bench.engines import ALL, MODEL_ENGINES, REMEDY, Engine
from xnorkit.bench.model import OWN, ModelResult, bench_model
from xnorkit.errors import InputError
from xnorkit.models import binarizations
from xnorkit.report.records import Record, Values
from xnorkit.report.study.plan import Inference
from xnorkit.report.study.step import Step, blank, measured
from xnorkit.report.study.study import Study

__all__ = ["steps"]

COMPILED = "torch_compile_f32"
OTHER_FAMILIES = ("bwn", "float")  # the own engine on float activations, and in float32


def steps(study: Study) -> Iterable[Step]:
    """Yield one step per network with all engines side by side, and one per engine that is not installed."""
    engines = [engine for engine in MODEL_ENGINES if engine.name != COMPILED or study.plan.mode == "full"]
    installed = [engine for engine in engines if all(map(find_spec, engine.needs))]
    for entry in study.plan.inference:
        yield _step(study, entry, installed)
        for engine in engines:
            if engine not in installed:
                yield _missing(study, entry, engine)


def _step(study: Study, entry: Inference, engines: list[Engine]) -> Step:
    blanks = [_blank(study, entry, engine, batch) for batch in entry.batches for engine in (OWN, *_names(engines))]
    families = [family for family in OTHER_FAMILIES if family in binarizations(entry.model)]
    blanks += [_blank(study, entry, OWN, batch, family) for family in families for batch in entry.batches]

    def measure() -> Iterable[Record]:
        lines: list[str] = []
        left = {record.id: record for record in blanks}
        for row in _rows(study, entry, _names(engines), lines):
            record = left.pop(_blank(study, entry, row.engine, row.batch).id, None)
            if record is not None:
                yield measured(record, *_figures(row))
        for family in families:
            for row in bench_model(
                entry.model,
                against=(),
                threads=(study.threads,),
                batch=entry.batches,
                seconds=entry.seconds / 3,
                binarization=family,
            ):
                yield measured(left.pop(_blank(study, entry, OWN, row.batch, family).id), *_figures(row))
        for record in left.values():
            reason = next((line for line in lines if str(record.subject["engine"]) in line), "no figure came back")
            yield replace(record, reason=reason)

    return Step(f"inference of {entry.model}", entry.cost, blanks, measure)


def _rows(study: Study, entry: Inference, names: list[str], lines: list[str]) -> list[ModelResult]:
    """Return the rows of the engines named; where one of them is wrong or fails, of those that are not."""

    def take(line: str) -> None:
        lines.append(line)
        study.note(line)

    run = partial(bench_model, entry.model, threads=(study.threads,), batch=entry.batches, seconds=entry.seconds)
    try:
        return run(against=names)
    except InputError as error:
        take(str(error))
        return run(against=ALL, note=take)


def _missing(study: Study, entry: Inference, engine: Engine) -> Step:
    module = next(module for module in engine.needs if find_spec(module) is None)
    records = [
        replace(_blank(study, entry, engine.name, batch), command=REMEDY, reason=f"{module} is not installed")
        for batch in entry.batches
    ]
    return Step(f"inference of {entry.model} in {engine.name}: {module} is not installed", 0, records, lambda: records)


def _blank(study: Study, entry: Inference, engine: str, batch: int, family: str = "") -> Record:
    own = "xnor" if "xnor" in binarizations(entry.model) else binarizations(entry.model)[0]
    family = family or (own if engine == OWN else "int8" if engine.endswith("int8") else "float")
    subject: dict[str, str | int | float] = {
        "model": entry.model,
        "family": family,
        "engine": engine,
        "threads": study.threads,
        "batch": batch,
    }
    key = f"{entry.model}/{family}/{engine}/t{study.threads}/b{batch}"
    command = f"xnorkit bench model {entry.model} --threads {study.threads} --batch {batch}"
    return blank("inference", key, subject, command)


def _figures(row: ModelResult) -> tuple[Values, dict[str, list[float]]]:
    values = {
        "median_us": row.median_us,
        "min_us": row.min_us,
        "ideal_us": row.ideal_us,
        "file_bytes": row.file_bytes,
        "relative_error": row.relative_error,
    }
    return values, {"median_us": list(row.quartiles_us)}


def _names(engines: list[Engine]) -> list[str]:
    return [engine.name for engine in engines]
