"""Time and memory of a training step, float and binary."""

from collections.abc import Iterable

from xnorkit.bench.training import bench_training
from xnorkit.report.records import Record
from xnorkit.report.study.plan import Training
from xnorkit.report.study.step import Step, blank, measured
from xnorkit.report.study.study import Study

__all__ = ["steps"]

FAMILIES = {"float": "float", "simulated": "xnor"}
SETUP_SECONDS = 3.0


def steps(study: Study) -> Iterable[Step]:
    """Yield one step per network, which measures both in turns."""
    for entry in study.plan.training:
        yield _step(study, entry)


def _step(study: Study, entry: Training) -> Step:
    records = {path: _blank(study, entry, family) for path, family in FAMILIES.items()}

    def measure() -> Iterable[Record]:
        rows = bench_training(
            entry.model, paths=tuple(FAMILIES), batch=entry.batch, threads=(study.threads,), seconds=entry.seconds
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

    return Step(f"training step of {entry.model}", entry.seconds + SETUP_SECONDS, list(records.values()), measure)


def _blank(study: Study, entry: Training, family: str) -> Record:
    subject: dict[str, str | int | float] = {
        "model": entry.model,
        "family": family,
        "batch": entry.batch,
        "threads": study.threads,
    }
    command = (
        f"xnorkit bench training {entry.model} --paths {','.join(FAMILIES)} "
        f"--batch {entry.batch} --threads {study.threads}"
    )
    return blank("training-time", f"{entry.model}/{family}/t{study.threads}/b{entry.batch}", subject, command)
