"""The accuracy and curves of trainings, planned or found, and their packed files."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from xnorkit import runtime
from xnorkit.app.export import export_checkpoint
from xnorkit.data import create_data
from xnorkit.data.accuracy import split_words
from xnorkit.errors import DataError
from xnorkit.report.records import Record
from xnorkit.report.study.plan import RunSpec
from xnorkit.report.study.run_folder import Run
from xnorkit.report.study.shipped import shipped_steps
from xnorkit.report.study.study import Step, Study, Subject, blank, measured
from xnorkit.report.study.trainings import VARIANT, command_of, find_run, runs_of
from xnorkit.train import evaluate_model

__all__ = ["accuracy_steps", "deployed_steps"]

COLLECT_SECONDS = 0.5
PROOF_SECONDS = {"quick": 4.0, "full": 30.0}
HOUR = 3600


def accuracy_steps(study: Study) -> Iterable[Step]:
    """Yield one step per run of the plan, the shortest first, one per model that ships, and one for other runs."""
    for spec in sorted(study.plan.runs, key=lambda spec: spec.hours):
        yield _accuracy(study, spec)
    yield from shipped_steps(study)
    yield Step("accuracy: other runs", COLLECT_SECONDS, [], lambda: _others(study), again=True)


def deployed_steps(study: Study) -> Iterable[Step]:
    """Yield one step per run of the plan that is packed and proved equal to the trained model."""
    for spec in study.plan.runs:
        if spec.deployed:
            subject = {"dataset": spec.dataset, "model": spec.model, "family": spec.family}
            command = f"xnorkit export runs/{spec.name}/last.ckpt -o {spec.name}.xnor"
            record = blank("deployed", spec.key, subject, command, "its training is not run")
            seconds = PROOF_SECONDS[study.plan.mode]
            yield Step(f"deployed: {spec.key}", seconds, [record], partial(_deployed, study, spec, record))


def _accuracy(study: Study, spec: RunSpec) -> Step:
    network = {"dataset": spec.dataset, "model": spec.model, "family": spec.family}
    subject: Subject = {**network, "recipe": spec.recipe, "seed": 0}
    command, reason = command_of(spec), "no run of it was found"
    blanks = [
        blank("accuracy", spec.key, subject, command, reason),
        blank("curve", spec.key, {**subject, "run": spec.name}, command, reason),
    ]

    def measure() -> Iterable[Record]:
        run = find_run(study, spec)
        return blanks if run is None else _records(study, run, spec.key, command)

    return Step(f"accuracy: {spec.key}", spec.hours * HOUR if study.trains else COLLECT_SECONDS, blanks, measure)


def _others(study: Study) -> Iterable[Record]:
    """Yield the records of runs outside the plan: other networks, families, recipes or seeds."""
    found = [record for record in study.store.find("accuracy") if record.status != "not run"]
    taken = {(record.id, record.subject["run"]) for record in found}
    for run in runs_of(study):
        name = run.folder.name
        if (f"accuracy/{run.key}", name) not in taken and not name.startswith(VARIANT):
            key, command = f"{run.key}/s{run.recipe.seed}/{name}", f"xnorkit train {run.recipe.name} --exp-name {name}"
            yield from _records(study, run, key, f"{command} --resume last")


def _records(study: Study, run: Run, key: str, command: str) -> list[Record]:
    """Return the accuracy and curve of a run, in part if it has epochs left."""
    recipe = run.recipe
    split, images = _split(study, run)
    subject: Subject = {
        "dataset": recipe.data.name,
        "split": split,
        "images": images,
        "model": recipe.model.name,
        "family": run.family,
        "recipe": recipe.name,
        "epochs": run.epochs,
        "epochs_planned": recipe.epochs,
        "seed": recipe.seed,
        "run": run.folder.name,
    }
    top5 = run.last("eval_top5")
    values = {"top1": run.last("eval_accuracy")} | ({} if top5 is None else {"top5": top5})
    return [
        measured(blank("accuracy", key, subject, command), values, status=run.status, reason=run.reason),
        measured(blank("curve", key, subject, command), run.curves(), status=run.status, reason=run.reason),
    ]


def _split(study: Study, run: Run) -> tuple[str, int]:
    """Return the name and size of the evaluation split of a run, which the log of an unfinished run lacks."""
    if run.result is not None:
        return str(run.result["split"]), int(run.result["images"])
    try:
        data = create_data(run.recipe.data.name, study.data, run.recipe.data.options())
    except DataError:
        return "evaluation split", 0
    return split_words(data.split_name, run.recipe.test_flip), len(data.test_arrays()[1])


def _deployed(study: Study, spec: RunSpec, record: Record) -> list[Record]:
    """Pack the run, prove it, and measure the accuracy of the file."""
    run = find_run(study, spec)
    if run is None or run.float_stage:
        return [replace(record, reason=record.reason if run is None else run.float_stage)]
    path = study.folder / "models" / f"{spec.name}.xnor"
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
    return [measured(record, values, status=run.status, reason=run.reason, subject=where)]
