"""The accuracy of the trained models that ship, for cells of the table without a training.

The packed file is evaluated on this machine. The same network in other binarizations, its twins, did not ship: what
their trainings reached stands on the model's card.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from xnorkit.app.evaluate import evaluate_file
from xnorkit.errors import DataError
from xnorkit.report.records import Record
from xnorkit.report.study.study import Step, Study, Subject, blank, measured
from xnorkit.zoo import Card, Run, Series, card, list_pretrained, path

__all__ = ["shipped_steps"]

SECONDS = 30.0


def shipped_steps(study: Study) -> Iterable[Step]:
    """Yield, for each trained model of a data set of the plan, a step that evaluates its file and one for its twins."""
    datasets = {spec.dataset for spec in study.plan.runs}
    for made in map(card, list_pretrained()):
        if made.data in datasets:
            twins = [(_twin(made, series, run), run.top1) for series in made.twins for run in series.runs]
            blanks = [record for record, _ in twins]
            yield Step(f"accuracy: card of {made.name}", 0.0, blanks, partial(_quote, twins))
            subject = {**_subject(made, made.series), "seed": made.seed, "run": f"{made.name}.xnor"}
            command = f"xnorkit evaluate {made.name}" + ("" if made.data == "digits" else " --data DIR")
            key = f"{made.data}/{made.model}/{made.series.binarization}/shipped"
            record = blank("accuracy", key, subject, command)
            yield Step(f"accuracy: {made.name}.xnor", SECONDS, [record], partial(_measure, study, made, record))


def _subject(made: Card, series: Series) -> Subject:
    return {
        "dataset": made.data,
        "model": made.model,
        "family": series.binarization,
        "recipe": series.recipe,
        "epochs": series.epochs,
        "epochs_planned": series.epochs,
    }


def _measure(study: Study, made: Card, record: Record) -> Iterable[Record]:
    try:
        found = evaluate_file(path(made.name), data_root=study.data, threads=study.threads)
    except DataError:  # whose message names a folder of this machine
        yield replace(record, reason="its data set was not found")
        return
    where = {"split": found["split"], "images": found["images"]}
    values = {key: found[key] for key in ("top1", "top5") if found[key] is not None}
    yield measured(record, values, subject=where)


def _twin(made: Card, series: Series, run: Run) -> Record:
    key = f"{made.data}/{made.model}/{series.binarization}/card/s{run.seed}"
    where: Subject = {"split": made.split, "images": made.images, "seed": run.seed, "run": f"{made.name}.json"}
    return blank("accuracy", key, {**_subject(made, series), **where}, made.command(series))


def _quote(twins: Iterable[tuple[Record, float]]) -> Iterable[Record]:
    return [measured(record, {"top1": top1}) for record, top1 in twins]
