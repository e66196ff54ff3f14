"""Measure everything in one study, and write its page: tables, figures, discussion."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.needs import require
from xnorkit.cli.output import print_json, print_pairs
from xnorkit.errors import InputError
from xnorkit.report.records import EXPERIMENTS

if TYPE_CHECKING:
    from xnorkit.report.study import Study

HOUR = 3600


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(
        description="Measure accuracy, memory, training and inference, float and binary, and write the page. Begun "
        "again, it continues where it stopped."
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="embedded digits and short measurements, a few minutes")
    add("--data", type=Path, help="folder that holds the data sets' official files")
    add("--output", type=Path, help="folder of records and page; default report, or that of --from")
    add("--from", dest="source", type=Path, help="draw the page of this folder's records again")
    add("--only", default="", help=f"experiments with commas between them: {', '.join(EXPERIMENTS)}")
    add("--runs", type=Path, nargs="*", default=[Path("runs")], help="folders of trainings to collect; default runs")
    add("--train", action="store_true", help="train the runs that are missing, the shortest first")
    add("--hours", type=float, help="most time for these trainings; they continue the next time")
    add("--threads", type=int, default=1, help="threads of what is timed; default 1")
    add("--seeds", type=int, default=1, help="runs of each gradient rule and ablation; default 1")
    add("--epochs", type=int, help="most epochs of every training; default those of the plan")
    add("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Run the study unless its records are given, draw the page, and name its files."""
    measured = () if options.source is not None else ("torch", "lightning", "sklearn", "pydantic", "yaml")
    require("matplotlib", "jinja2", *measured)
    if options.source is None and options.data is not None and not options.data.is_dir():
        raise InputError(f"--data is {options.data}, but it must be the folder that holds the data sets' files.")
    from xnorkit.report.folder import report_folder
    from xnorkit.report.page import write_page

    folder = options.source or options.output or Path("report")
    output = options.output or folder
    if options.source is not None and not (folder / "records.jsonl").is_file():
        raise InputError(f"--from is {folder}, which has no records.jsonl, but it must be the folder of a report.")
    with report_folder(output):  # before anything is trained or measured
        figures: dict[str, Any] = {"records": str(folder / "records.jsonl")}
        if options.source is None:
            figures |= _measure(options, folder)
        paths = write_page(folder, output)
    figures |= {"html": str(paths.html), "markdown": str(paths.markdown)}
    if options.json:
        print_json(figures)
    else:
        print_pairs({name.replace("_", " "): value for name, value in figures.items()})


def _note() -> Callable[[str], None]:
    """Return what prints a line on standard error, unless it has printed it before."""
    seen: set[str] = set()

    def note(line: str) -> None:
        if line not in seen:
            seen.add(line)
            print(f"left out: {line}", file=sys.stderr)

    return note


def _look_for_data(study: "Study") -> None:
    """Say before anything is measured which data sets of the plan are not there; what needs them is left out."""
    from xnorkit.data import create_data
    from xnorkit.errors import DataError

    for name in sorted({spec.dataset for spec in study.plan.runs}):
        try:
            create_data(name, study.data)
        except DataError as error:
            study.note(f"what needs the data set {name}: {error}")


def _measure(options: Namespace, folder: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from xnorkit.bench.timing import check_run
    from xnorkit.report.study import PLANS, Study, run_study

    check_run(options.threads, 1.0)
    for name in ("seeds", "epochs", "hours"):
        if getattr(options, name) is not None and getattr(options, name) <= 0:
            raise InputError(f"--{name} is {getattr(options, name)}, but it must be a number above 0.")
    study = Study(
        plan=PLANS["quick" if options.quick else "full"],
        folder=folder,
        data=options.data,
        runs=tuple(options.runs),
        threads=options.threads,
        train=options.train,
        deadline=None if options.hours is None else time.monotonic() + options.hours * HOUR,
        seeds=tuple(range(options.seeds)),
        epochs=options.epochs or 0,
        note=_note(),
    )
    _look_for_data(study)
    result = run_study(study, [word for word in options.only.split(",") if word])
    return {name: round(value, 1) for name, value in asdict(result).items()}
