"""Time per call of whole networks, ours and what else one could run."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from xnorkit.bench.engines import MODEL_ENGINES, REMEDY, Engine
from xnorkit.bench.model import OWN, ModelResult, bench_model
from xnorkit.models import binarizations
from xnorkit.report.records import Record, Values
from xnorkit.report.study.plan import Inference
from xnorkit.report.study.step import Step, Subject, blank, measured
from xnorkit.report.study.study import Study

__all__ = ["steps"]

COMPILED = "torch_compile_f32"
OTHER_FAMILIES = ("bwn", "float")  # the own engine on float activations, and in float32


def steps(study: Study) -> Iterable[Step]:
    """Yield one step per network with all engines side by side, and one per engine that is not installed."""
    engines = [engine for engine in MODEL_ENGINES if engine.name != COMPILED or study.plan.mode == "full"]
    installed = [engine for engine in engines if engine.missing() is None]
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
        run = partial(bench_model, entry.model, threads=(study.threads,), batch=entry.batches)
        for row in run(against=_names(engines), seconds=entry.seconds):
            yield _filled(study, _blank(study, entry, row.engine, row.batch), row)
        for family in families:
            for row in run(against=(), seconds=entry.seconds / 3, binarization=family):
                yield _filled(study, _blank(study, entry, OWN, row.batch, family), row)

    return Step(f"inference of {entry.model}", entry.cost, blanks, measure)


def _filled(study: Study, record: Record, row: ModelResult) -> Record:
    if row.fault is not None:
        reason = f"{row.engine}: {row.fault}"
        study.note(reason)
        return replace(record, reason=reason)
    assert row.quartiles_us is not None
    values: Values = {
        "median_us": row.median_us,
        "min_us": row.min_us,
        "ideal_us": row.ideal_us,
        "file_bytes": row.file_bytes,
        "relative_error": row.relative_error,
    }
    remark: Subject = {"remark": row.remark} if row.remark else {}
    return measured(record, values, {"median_us": list(row.quartiles_us)}, subject=remark)


def _missing(study: Study, entry: Inference, engine: Engine) -> Step:
    module = engine.missing()
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


def _names(engines: list[Engine]) -> list[str]:
    return [engine.name for engine in engines]
