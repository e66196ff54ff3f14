"""A study that stops goes on and repeats nothing; a step that fails says why; a small one runs to its end."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xnorkit import zoo
from xnorkit.errors import InputError
from xnorkit.report.page import write_page
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.tables import best_training
from xnorkit.report.records import EXPERIMENTS, Record, Store
from xnorkit.report.study import PLANS, Study, run_study, runner, steps_of, variants
from xnorkit.report.study.conditions import machine
from xnorkit.report.study.plan import Inference, RunSpec, Training, Variants
from xnorkit.report.study.study import Step, blank, measured

QUICK = PLANS["quick"]
TINY = replace(
    QUICK,
    runs=tuple(replace(spec, overrides=(*spec.overrides, "epochs=1")) for spec in QUICK.runs),
    inference=(Inference("lenet5", (1,), 0.01, 1.0),),
    training=(Training("lenet5", 8, 1437, 0.01),),
    paper_models=("VGG-19",),
    channels=(1,),
    filters=(1,),
    lenet_channels=(10,),
    lenet_filters=(1,),
    kernel_seconds=0.01,
    variants=Variants("lenet5-digits", 1, 1.0),
    proof_images=8,
)


def quiet(_: str) -> None:
    """Show nothing."""


class Fake:
    """Steps that count their calls; one of them is interrupted."""

    def __init__(self, names: str, stop: str = "", fail: str = "") -> None:
        self.names, self.stop, self.fail = names, stop, fail
        self.calls: list[str] = []

    def __call__(self, _: Study) -> Iterable[Step]:
        for name in self.names:
            record = blank("peaks", name, {"threads": 1}, f"measure {name}")
            second = blank("peaks", f"{name}2", {"threads": 2}, f"measure {name}")
            yield Step(name, 1.0, [record, second], lambda r=(record, second), n=name: self._measure(n, *r))

    def _measure(self, name: str, first: Record, second: Record) -> Iterable[Record]:
        self.calls.append(name)
        yield measured(first, {"binary_gmacs": 1.0})
        if name == self.stop:
            raise KeyboardInterrupt
        if name == self.fail:
            raise InputError("there is no such engine, but one is needed.")
        yield measured(second, {"binary_gmacs": 2.0})


def test_resume_after_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, lines = Fake("abc", stop="b"), list[str]()
    monkeypatch.setattr(runner, "ROOMS", {("peaks",): first})
    with pytest.raises(KeyboardInterrupt):
        run_study(Study(QUICK, tmp_path), show=lines.append)
    assert first.calls == ["a", "b"]
    assert "3 records are in" in lines[-1]
    assert f"Continue with: xnorkit report --quick --output {tmp_path}" in lines[-1]
    second = Fake("abc")
    monkeypatch.setattr(runner, "ROOMS", {("peaks",): second})
    result = run_study(Study(QUICK, tmp_path), show=quiet)
    assert second.calls == ["b", "c"]
    assert (result.measured, result.not_run, result.skipped) == (6, 0, 1)
    third = Fake("abc")
    monkeypatch.setattr(runner, "ROOMS", {("peaks",): third})
    size = (tmp_path / "records.jsonl").stat().st_size
    assert run_study(Study(QUICK, tmp_path), show=quiet).skipped == 3
    assert third.calls == []
    assert (tmp_path / "records.jsonl").stat().st_size == size


def test_a_failing_step_is_not_run_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ROOMS", {("peaks",): Fake("ab", fail="a")})
    notes: list[str] = []
    result = run_study(Study(QUICK, tmp_path, note=notes.append), show=quiet)
    failed = Store(tmp_path).get("peaks/a2")
    assert failed is not None
    assert (failed.status, failed.reason) == ("not run", "there is no such engine, but one is needed.")
    assert failed.command == "measure a"
    assert (result.measured, result.not_run) == (3, 1)
    assert notes == ["a: there is no such engine, but one is needed."]


def test_a_study_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {"gradients": ("rule", "exact"), "ablation": ("change", "full xnor")}
    few = {name: (key, {label: variants.KEYS[name][1][label]}) for name, (key, label) in shown.items()}
    monkeypatch.setattr(variants, "KEYS", few)
    lines: list[str] = []
    result = run_study(Study(TINY, tmp_path), show=lines.append)
    store = Store(tmp_path)
    for experiment in EXPERIMENTS:
        assert any(record.status == "measured" for record in store.find(experiment)), experiment
    assert result.in_part == 0
    missing = [record for record in store.find() if record.status == "not run"]  # a peer that is absent or off here
    assert {record.experiment for record in missing} <= {"inference"}
    assert len(lines) == result.steps
    for record in store.find():
        assert {"cpu", "cores", "isa", "versions", "commit", "date", "seeds", "mode", "busy"} <= set(record.conditions)
    proof = store.find("deployed", family="xnor")[0].values
    assert proof["integers_equal"] == proof["integers"] > 0
    assert proof["outputs_equal"] == proof["outputs"] > 0
    memory = {r.subject["family"]: r.values for r in store.find("memory", model="lenet5")}
    assert memory["float"]["file_bytes"] > 15 * memory["xnor"]["file_bytes"]
    assert memory["xnor"]["binary_params"] == 425_000
    exact, full = store.find("gradients", rule="exact")[0], store.find("ablation", change="full xnor")[0]
    assert exact.values == full.values
    for record in store.find("picture"):
        with np.load(tmp_path / str(record.subject["file"]), allow_pickle=False) as arrays:
            assert all(len(arrays[name]) for name in arrays.files if record.subject["kind"] != "misclassified")
    signs = np.load(tmp_path / "pictures" / "sign-maps-digits-lenet5-xnor.npz")["sign"]
    assert signs.dtype == np.int8
    assert set(np.unique(signs)) == {-1, 1}
    again = [step for step in steps_of(Study(TINY, tmp_path)) if {r.id for r in step.blanks} & {r.id for r in missing}]
    skipped = run_study(Study(TINY, tmp_path), show=quiet).skipped
    assert skipped == result.steps - 1 - len(again)  # all but the look for other runs, and steps of such peers


def test_models_that_ship_fill_cells_without_a_training(tmp_path: Path) -> None:
    study = Study(TINY, tmp_path)
    twins, step = (step for step in steps_of(study, ["accuracy"]) if "lenet5-digits" in step.title and not step.again)
    (record,), (twin,) = step.measure(), twins.measure()
    assert [blank.id for blank in twins.blanks] == [twin.id]
    made = zoo.card("lenet5-digits")
    assert twin.id == "accuracy/digits/lenet5/float/card/s0"
    assert twin.values["top1"] == made.twins[0].runs[0].top1
    assert twin.command == "xnorkit train lenet5-digits-float"
    assert record.id == "accuracy/digits/lenet5/xnor/shipped"
    assert record.values["top1"] == zoo.card("lenet5-digits").top1
    assert record.command == "xnorkit evaluate lenet5-digits"
    study.store.append(record)
    study.store.append(twin)
    write_page(tmp_path, tmp_path / "page")
    text = (tmp_path / "page" / "report.md").read_text(encoding="utf-8")
    assert "(shipped, 30 epochs, one seed)" in text
    assert "evaluated here" in text
    assert "(card, 30 epochs, one seed)" in text
    assert "as the card of such a model gives it" in text
    study.store.append(replace(record, id="accuracy/digits/lenet5/xnor", subject={**record.subject, "run": "mine"}))
    best = best_training(Evidence(tmp_path), dataset="digits", model="lenet5", family="xnor")
    assert best is not None
    assert best.seeds == 1  # one seed, trained twice, is no series
    assert best.source == "run"


def test_no_time_left_for_training(tmp_path: Path) -> None:
    notes: list[str] = []
    plan = replace(TINY, runs=(RunSpec("lenet5-digits", "digits", "lenet5", "xnor"),))
    result = run_study(Study(plan, tmp_path, deadline=0.0, note=notes.append), ["accuracy"], show=quiet)
    assert (result.measured, result.not_run) == (2, 2)  # the model that ships, and its twin
    assert notes == ["lenet5-digits: no time left to train it (--hours)"]


def test_the_time_for_trainings_ends(tmp_path: Path) -> None:
    notes: list[str] = []
    endless = RunSpec("lenet5-digits", "digits", "lenet5", "xnor", ("epochs=100000",))
    study = Study(replace(TINY, runs=(endless,)), tmp_path, deadline=time.monotonic() + 4, note=notes.append)
    result = run_study(study, ["accuracy"], show=quiet)
    assert notes[0] == "lenet5-digits-xnor: the time is over (--hours); it continues with the next report"
    assert (result.measured, result.in_part + result.not_run) == (2, 2)  # the model that ships, and its twin
    for record in study.store.find("accuracy", family="xnor", recipe="lenet5-digits", epochs_planned=100000):
        assert record.status == "not run" or record.reason.endswith(" of 100000 epochs")


def test_a_training_that_refuses(tmp_path: Path) -> None:
    missing = RunSpec("lenet5-mnist", "mnist", "lenet5", "xnor")
    plan = replace(TINY, runs=(missing,))
    study = Study(plan, tmp_path / "report", data=tmp_path / "absent", deadline=time.monotonic() + 300)
    run_study(study, ["accuracy"], show=quiet)
    record, *cards, shipped = study.store.find("accuracy")
    assert [card.subject["run"] for card in cards] == ["lenet5-mnist.json"] * 4  # three seeds of float32, one of BWN
    assert (shipped.status, shipped.reason) == ("not run", "its data set was not found")
    assert record.status == "not run"
    assert record.reason.startswith("training lenet5-mnist failed: ")
    assert "absent" in record.reason


def test_conditions() -> None:
    assert {"cpu", "cores", "isa", "os", "python", "versions", "commit"} == set(machine())
    assert machine()["versions"]["xnorkit"]
