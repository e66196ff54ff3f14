"""Accuracy and curves of trainings: those of the plan, and all others that are found."""

from collections.abc import Iterable

from xnorkit.data import create_data
from xnorkit.errors import DataError
from xnorkit.report.records import Record
from xnorkit.report.study.plan import RunSpec
from xnorkit.report.study.run_folder import Run
from xnorkit.report.study.step import Step, Subject, blank, measured
from xnorkit.report.study.study import Study
from xnorkit.report.study.trainings import find_run, runs_of
from xnorkit.report.study.variants import FOLDER
from xnorkit.train.evaluate import split_words

__all__ = ["command_of", "steps"]

COLLECT_SECONDS = 0.5
HOUR = 3600
VARIANT = f"{FOLDER}-"


def steps(study: Study) -> Iterable[Step]:
    """Yield one step per run of the plan, the shortest first, and one that collects the others."""
    for spec in sorted(study.plan.runs, key=lambda spec: spec.hours):
        yield _step(study, spec)
    yield Step("accuracy: other runs", COLLECT_SECONDS, [], lambda: _others(study), again=True)


def command_of(spec: RunSpec) -> str:
    """Return what trains a run into the folder in which the next report finds it."""
    words = ["xnorkit train", spec.recipe, *spec.overrides]
    words += [] if spec.dataset == "digits" else ["--data DIR"]
    words += [f"--exp-name {spec.name}"] if spec.overrides else []
    return " ".join(words)


def _step(study: Study, spec: RunSpec) -> Step:
    subject: Subject = {
        "dataset": spec.dataset,
        "model": spec.model,
        "family": spec.family,
        "recipe": spec.recipe,
        "seed": 0,
    }
    command, reason = command_of(spec), "no run of it was found"
    blanks = [
        blank("accuracy", spec.key, subject, command, reason),
        blank("curve", spec.key, {**subject, "run": spec.name}, command, reason),
    ]

    def measure() -> Iterable[Record]:
        run = find_run(study, spec)
        return blanks if run is None else records_of(study, run, spec.key, command)

    trains = study.train or study.plan.trains
    return Step(f"accuracy: {spec.key}", spec.hours * HOUR if trains else COLLECT_SECONDS, blanks, measure)


def _others(study: Study) -> Iterable[Record]:
    """Yield the records of runs that no other step has: networks, families, recipes or seeds beyond the plan."""
    found = [record for record in study.store.find("accuracy") if record.status != "not run"]
    taken = {(record.id, record.subject["run"]) for record in found}
    for run in runs_of(study):
        if (f"accuracy/{run.key}", run.folder.name) not in taken and not run.folder.name.startswith(VARIANT):
            key = f"{run.key}/s{run.recipe.seed}/{run.folder.name}"
            yield from records_of(
                study, run, key, f"xnorkit train {run.recipe.name} --exp-name {run.folder.name} --resume last"
            )


def records_of(study: Study, run: Run, key: str, command: str) -> list[Record]:
    """Return accuracy and curve of a run, in part if it has epochs left."""
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
    """Return name and size of the split that a run was evaluated on; the log of an unfinished one does not tell."""
    if run.result is not None:
        return str(run.result["split"]), int(run.result["images"])
    try:
        data = create_data(run.recipe.data.name, study.data, run.recipe.data.options())
    except DataError:
        return "evaluation split", 0
    return split_words(data.split_name, run.recipe.test_flip), len(data.test_arrays()[1])
