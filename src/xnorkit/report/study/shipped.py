"""The accuracy of the trained models that ship, measured on this machine: cells of the table without a training."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from xnorkit.app.evaluate import evaluate_file
from xnorkit.errors import DataError
from xnorkit.report.records import Record
from xnorkit.report.study.study import Step, Study, Subject, blank, measured
from xnorkit.zoo import card, list_pretrained, path

__all__ = ["shipped_steps"]

SECONDS = 30.0


def shipped_steps(study: Study) -> Iterable[Step]:
    """Yield one step per trained model of a data set of the plan; it evaluates the packed file on the engine."""
    datasets = {spec.dataset for spec in study.plan.runs}
    for name in list_pretrained():
        made = card(name)
        if made.data in datasets:
            subject: Subject = {
                "dataset": made.data,
                "model": made.model,
                "family": made.series.binarization,
                "recipe": made.series.recipe,
                "epochs": made.series.epochs,
                "epochs_planned": made.series.epochs,
                "seed": made.seed,
                "run": f"{name}.xnor",
            }
            command = f"xnorkit evaluate {name}" + ("" if made.data == "digits" else " --data DIR")
            key = f"{made.data}/{made.model}/{made.series.binarization}/shipped"
            record = blank("accuracy", key, subject, command)
            yield Step(f"accuracy: {name}.xnor", SECONDS, [record], partial(_measure, study, name, record))


def _measure(study: Study, name: str, record: Record) -> list[Record]:
    try:
        found = evaluate_file(path(name), data_root=study.data, threads=study.threads)
    except DataError:  # whose message names a folder of this machine
        return [replace(record, reason="its data set was not found")]
    values = {key: found[key] for key in ("top1", "top5") if found[key] is not None}
    return [measured(record, values, subject={"split": found["split"], "images": found["images"]})]
