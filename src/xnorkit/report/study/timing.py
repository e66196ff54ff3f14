"""The times of whole networks: calls in our engine and in others, and training steps."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from xnorkit.bench.engines import MODEL_ENGINES, REMEDY
from xnorkit.bench.model import OWN, ModelResult, bench_model
from xnorkit.bench.training import bench_training
from xnorkit.bench.training_step import binary_path
from xnorkit.models import binarizations
from xnorkit.report.records import Record, Values
from xnorkit.report.study.plan import Inference, Training
from xnorkit.report.study.study import Step, Study, Subject, blank, measured

__all__ = ["inference_step", "inference_steps", "training_steps"]

COMPILED = "torch_compile_f32"
OTHER_FAMILIES = ("bwn", "float")  # the own engine on float activations, and in float32
SETUP_SECONDS = 3.0


def inference_steps(study: Study) -> Iterable[Step]:
    """Yield one step per network with all engines side by side, and one per engine that is not installed."""
    engines = [engine for engine in MODEL_ENGINES if engine.name != COMPILED or study.plan.mode == "full"]
    missing = {engine.name: module for engine in engines if (module := engine.missing()) is not None}
    for entry in study.plan.inference:
        yield inference_step(study, entry, [engine.name for engine in engines if engine.name not in missing])
        for name, module in missing.items():
            reason = f"{module} is not installed"
            blanks = [_call(study, entry.model, name, batch) for batch in entry.batches]
            records = [replace(record, command=REMEDY, reason=reason) for record in blanks]
            yield Step(f"inference of {entry.model} in {name}: {reason}", 0, records, partial(list, records))


def inference_step(study: Study, entry: Inference, engines: list[str]) -> Step:
    """Return the step that measures a network in our engine and the others."""
    families = [family for family in OTHER_FAMILIES if family in binarizations(entry.model)]
    blanks = [_call(study, entry.model, engine, batch) for batch in entry.batches for engine in (OWN, *engines)]
    blanks += [_call(study, entry.model, OWN, batch, family) for family in families for batch in entry.batches]

    def measure() -> Iterable[Record]:
        run = partial(bench_model, entry.model, threads=(study.threads,), batch=entry.batches)
        for row in run(against=engines, seconds=entry.seconds):
            yield _timed(study, _call(study, entry.model, row.engine, row.batch), row)
        for family in families:
            for row in run(against=(), seconds=entry.seconds / 3, binarization=family):
                yield _timed(study, _call(study, entry.model, OWN, row.batch, family), row)

    return Step(f"inference of {entry.model}", entry.cost, blanks, measure)


def training_steps(study: Study) -> Iterable[Step]:
    """Yield one step per network, which measures training steps in float and binary in turns."""
    paths = ("float", binary_path())
    for entry in study.plan.training:
        records = {path: _training_blank(study, entry, path, paths) for path in paths}
        seconds = entry.seconds + SETUP_SECONDS
        measure = partial(_measure_training, study, entry, records)
        yield Step(f"training step of {entry.model}", seconds, list(records.values()), measure)


def _timed(study: Study, record: Record, row: ModelResult) -> Record:
    if row.fault is not None:
        reason = f"{row.engine}: {row.fault}"
        study.note(reason)
        return replace(record, reason=reason)
    assert row.quartiles_us is not None
    names = ("median_us", "min_us", "ideal_us", "file_bytes", "relative_error")
    values: Values = {name: getattr(row, name) for name in names}
    remark: Subject = {"remark": row.remark} if row.remark else {}
    return measured(record, values, {"median_us": list(row.quartiles_us)}, subject=remark)


def _call(study: Study, model: str, engine: str, batch: int, family: str = "") -> Record:
    own = "xnor" if "xnor" in binarizations(model) else binarizations(model)[0]
    family = family or (own if engine == OWN else "int8" if engine.endswith("int8") else "float")
    subject: Subject = {"model": model, "family": family, "engine": engine, "threads": study.threads, "batch": batch}
    key = f"{model}/{family}/{engine}/t{study.threads}/b{batch}"
    return blank("inference", key, subject, f"xnorkit bench model {model} --threads {study.threads} --batch {batch}")


def _measure_training(study: Study, entry: Training, records: dict[str, Record]) -> Iterable[Record]:
    rows = bench_training(
        entry.model, paths=tuple(records), batch=entry.batch, threads=(study.threads,), seconds=entry.seconds
    )
    for row in rows:
        images_per_s = entry.batch / row.step_ms * 1e3
        values = {
            "step_ms": row.step_ms,
            "images_per_s": images_per_s,
            "epoch_images": entry.epoch_images,
            "epoch_s": entry.epoch_images / images_per_s,
            "peak_mib": row.peak_mib,
        }
        yield measured(records[row.path], values, {"step_ms": list(row.quartiles_ms)})


def _training_blank(study: Study, entry: Training, path: str, paths: Sequence[str]) -> Record:
    family = "float" if path == "float" else "xnor"
    how: Subject = {} if path == "float" else {"path": path}
    subject = {"model": entry.model, "family": family, "batch": entry.batch, "threads": study.threads, **how}
    size = f"--batch {entry.batch} --threads {study.threads}"
    command = f"xnorkit bench training {entry.model} --paths {','.join(paths)} {size}"
    return blank("training-time", f"{entry.model}/{family}/t{study.threads}/b{entry.batch}", subject, command)
