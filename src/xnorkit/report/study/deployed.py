"""The packed file of a training, and the proof that it is the trained model."""

from collections.abc import Iterable
from dataclasses import replace

from xnorkit import runtime
from xnorkit.app.export import export_checkpoint
from xnorkit.data import create_data
from xnorkit.report.records import Record
from xnorkit.report.study.plan import RunSpec
from xnorkit.report.study.run_folder import Run
from xnorkit.report.study.step import Step, Subject, blank, measured
from xnorkit.report.study.study import Study
from xnorkit.report.study.trainings import find_run
from xnorkit.train import evaluate_model
from xnorkit.train.evaluate import split_words

__all__ = ["steps"]

SECONDS = {"quick": 4.0, "full": 30.0}


def steps(study: Study) -> Iterable[Step]:
    """Yield one step per run of the plan that is deployed."""
    for spec in study.plan.runs:
        if spec.deployed:
            yield _step(study, spec)


def _step(study: Study, spec: RunSpec) -> Step:
    subject = {"dataset": spec.dataset, "model": spec.model, "family": spec.family}
    command = f"xnorkit export runs/{spec.name}/last.ckpt -o {packed_name(spec)}"
    record = blank("deployed", spec.key, subject, command, "its training is not run")

    def measure() -> Iterable[Record]:
        run = find_run(study, spec)
        if run is None or run.float_stage:
            return [replace(record, reason=record.reason if run is None else run.float_stage)]
        return [_prove(study, spec, run, record)]

    return Step(f"deployed: {spec.key}", SECONDS[study.plan.mode], [record], measure)


def packed_name(spec: RunSpec) -> str:
    """Return the file name of a packed run."""
    return f"{spec.name}.xnor"


def _prove(study: Study, spec: RunSpec, run: Run, record: Record) -> Record:
    path = study.folder / "models" / packed_name(spec)
    result = export_checkpoint(run.checkpoint, path, data_root=study.data, images=study.plan.proof_images)
    data = create_data(run.recipe.data.name, study.data, run.recipe.data.options())
    flip = run.recipe.test_flip
    reached = evaluate_model(runtime.load(path), data, test_flip=flip)
    proof = result.proof
    values = {
        "top1": reached["top1"],
        "proof_images": proof.images,
        "integers": sum(layer.integers for layer in proof.layers),
        "integers_equal": sum(layer.integers_equal for layer in proof.layers),
        "outputs": sum(layer.outputs for layer in proof.layers),
        "outputs_equal": sum(layer.outputs_equal for layer in proof.layers),
        "floats": sum(layer.numbers for layer in proof.floats),
        "floats_within_bound": sum(layer.within for layer in proof.floats),
        "signs": proof.end_to_end_bits,
        "signs_flipped": proof.total_flips,
        "predictions_equal": proof.predictions_equal,
        "max_logit_difference": proof.max_logit_difference,
        "file_bytes": result.file_bytes,
        "float_bytes": result.float_bytes,
    }
    where: Subject = {"split": split_words(data.split_name, flip), "images": reached["images"], "run": run.folder.name}
    return measured(record, values, status=run.status, reason=run.reason, subject=where)
