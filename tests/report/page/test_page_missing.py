"""What was not run says so and names the command; nothing is left empty."""

from pathlib import Path

import pytest
from page_numbers import disagreements, read_page, stored
from synthetic_records import Synthetic

from xnorkit.report.page import write_page
from xnorkit.report.records import EXPERIMENTS

METHODS = (
    *("accuracy", "partial", "deployed", "memory", "training", "inference"),
    *("sweeps", "paper_memory", "comparisons", "peaks", "pictures"),
)


@pytest.mark.parametrize("method", METHODS)
def test_a_page_of_one_experiment_names_the_commands_of_the_others(tmp_path: Path, method: str) -> None:
    study = Synthetic(tmp_path)
    getattr(study, method)()
    paths = write_page(tmp_path, tmp_path)
    text = paths.markdown.read_text(encoding="utf-8")
    have = {record.experiment for record in study.store.find(None)}
    for experiment in set(EXPERIMENTS) - have:
        assert (
            f"- `xnorkit report --output DIR --only {experiment}`: not run (left out of this report): {experiment}"
            in text
        )
    page = read_page(paths.html)
    assert all(page.cells)
    assert disagreements(page.numbers, stored(tmp_path)) == []


def test_cells_without_a_figure_say_not_run_and_the_command_stands_below(drawn: tuple[Path, Path]) -> None:
    text = (drawn[1] / "report.md").read_text(encoding="utf-8")
    assert "| NIN (CIFAR-10, official test) | not run | – | 61.23 % (after 12 of 320 epochs) | not run |" in text
    assert "- – does not apply, or is not part of this study." in text
    assert "- Not run (no such run): `xnorkit train nin-cifar10-float --data DIR`" in text
    assert "- Not run (not installed): `pip install 'xnorkit[bench]'`" in text
    listed = text.partition("## Not run")[2]
    assert (
        "`xnorkit train nin-cifar10 --data DIR`: in part (12 of 320 epochs): accuracy/cifar10/nin-cifar10/xnor"
        in listed
    )
    assert "`xnorkit train nin-cifar10-float --data DIR`: not run" in listed


@pytest.mark.parametrize(("mode", "said"), [("quick", True), ("full", False)])
def test_a_quick_run_says_so_at_the_top(tmp_path: Path, mode: str, said: bool) -> None:
    Synthetic(tmp_path, mode=mode).peaks()
    top = write_page(tmp_path, tmp_path).markdown.read_text(encoding="utf-8").partition("## ")[0]
    assert ("This is a quick run" in top) is said


def test_a_run_without_a_finished_epoch_is_no_curve(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    subject = {"run": "new", "model": "lenet5", "family": "xnor", "dataset": "mnist"}
    study.add("curve", "new", subject, {"epoch": [], "train_loss": [], "seconds": []}, status="in part")
    paths = write_page(tmp_path, tmp_path)
    assert paths.figures == ()
    assert "Not run. `xnorkit report --output DIR --only curve` measures it." in paths.markdown.read_text(
        encoding="utf-8"
    )


def test_every_fault_of_an_engine_stands_below_the_table(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.inference()
    for engine, reason in {"onnxruntime_f32": "ValueError: a", "torch_f32": "wrong answer: b"}.items():
        study.fault(engine, reason, (1,))
    place = {"model": "lenet5", "threads": 1, "batch": 1, "family": "float", "engine": "onnxruntime_int8"}
    study.add("inference", "r", {**place, "remark": "weights of 7 bits"}, {"median_us": 69.0, "min_us": 68.0})
    table = write_page(tmp_path, tmp_path).markdown.read_text(encoding="utf-8").partition("## Not run")[0]
    command = "`xnorkit bench model lenet5 --threads 1 --batch 1`"
    assert f"- Not run (onnxruntime_f32: ValueError: a): {command}" in table
    assert f"- Not run (torch_f32: wrong answer: b): {command}" in table
    assert "- Fastest: of the engines that were measured." in table
    assert "int8: weights of 7 bits." in table


def test_a_sweep_names_the_engines_that_are_missing_from_the_fastest(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.sweeps(unmeasured={1: "torch_f32: wrong answer", 4: "torch_f32: wrong answer"})
    text = write_page(tmp_path, tmp_path).markdown.read_text(encoding="utf-8")
    assert "- Not measured at 1, 4: torch_f32: wrong answer" in text
