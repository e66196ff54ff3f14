"""What is collected of run folders: finished, in part, trials, damaged, missing."""

import json
from pathlib import Path

import pytest

from xnorkit.report.study import PLANS, Study, run_study
from xnorkit.report.study.run_folder import read_run, read_runs
from xnorkit.train import load_recipe

HEAD = "epoch,stage,lr,train_loss,train_accuracy,eval_loss,eval_accuracy,eval_top5,flip_ratio,seconds\n"
STAGES = (
    "epochs=22",
    "stages=[{name: binary activations, epochs: 6, weights: float}, {name: binary, epochs: 16}]",
)


def write_run(folder: Path, name: str, epochs: int, *overrides: str, finished: bool | None = None) -> Path:
    """Write what `xnorkit train` writes, without checkpoints."""
    recipe = load_recipe(name, overrides)
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe.to_yaml())
    rows = [f"{n},,0.01,{1 / n},0.5,{2 / n},{0.9 + n / 100:.2f},0.99,,{n}.5\n" for n in range(1, epochs + 1)]
    (folder / "log.csv").write_text(HEAD + "".join(rows))
    if epochs == recipe.epochs if finished is None else finished:
        result = {"split": "test (official)", "images": 10_000, "accuracy": round(0.9 + epochs / 100, 2)}
        (folder / "result.json").write_text(json.dumps(result))
    return folder


def test_finished_and_in_part(tmp_path: Path) -> None:
    done = read_run(write_run(tmp_path / "a", "lenet5-mnist", 4, "epochs=4"))
    assert done is not None
    assert (done.key, done.status, done.reason) == ("mnist/lenet5/xnor", "measured", "")
    assert done.last("eval_accuracy") == 0.94
    assert done.curves()["epoch"] == [1, 2, 3, 4]
    assert done.curves()["seconds"] == [1.5, 2.5, 3.5, 4.5]
    assert done.curves()["flip_ratio"] == [None] * 4
    part = read_run(write_run(tmp_path / "b", "lenet5-mnist", 3, "epochs=20"))
    assert part is not None
    assert (part.status, part.reason) == ("in part", "3 of 20 epochs")
    staged = read_run(write_run(tmp_path / "d", "resnet20-cifar10", 6, *STAGES))
    assert staged is not None
    assert staged.float_stage == "its run is in stage 'binary activations' (6 of 22 epochs), not yet binary"
    binary = read_run(write_run(tmp_path / "e", "resnet20-cifar10", 7, *STAGES))
    assert binary is not None
    assert binary.float_stage == done.float_stage == ""
    assert read_run(write_run(tmp_path / "c", "lenet5-mnist", 0)) is None
    assert read_run(tmp_path) is None


def test_trials_and_damaged_folders_are_left_out_with_a_note(tmp_path: Path) -> None:
    write_run(tmp_path / "good", "lenet5-mnist", 1)
    write_run(tmp_path / "trial", "lenet5-mnist", 1, "data.selection=0.2")
    write_run(tmp_path / "damaged", "lenet5-mnist", 1)
    (tmp_path / "damaged" / "recipe.yaml").write_text("name: [\n")
    notes: list[str] = []
    assert [run.folder.name for run in read_runs([tmp_path, tmp_path / "absent"], notes.append)] == ["good"]
    assert any("trial: a trial, which holds out 20%" in note for note in notes)
    assert any("damaged" in note for note in notes)


def test_the_table_of_a_full_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_DATA", str(tmp_path / "no data"))
    runs = tmp_path / "runs"
    write_run(runs / "float", "lenet5-mnist-float", 4, "epochs=4")
    write_run(runs / "other", "lenet5-mnist", 20, "epochs=20", "seed=1", "optimizer.lr=0.02")
    write_run(runs / "half", "nin-cifar10", 7, *STAGES)
    study = Study(PLANS["full"], tmp_path / "report", runs=(runs,))
    result = run_study(study, ["accuracy"], show=lambda _: None)
    store = study.store
    done = store.get("accuracy/mnist/lenet5/float")
    assert done is not None
    assert (done.status, done.values) == ("measured", {"top1": 0.94, "top5": 0.99})
    assert (done.subject["epochs"], done.subject["split"], done.subject["images"]) == (4, "test (official)", 10_000)
    part = store.get("accuracy/cifar10/nin-cifar10/xnor")
    assert part is not None
    assert (part.status, part.reason, part.subject["epochs_planned"]) == ("in part", "7 of 22 epochs", 22)
    missing = store.get("accuracy/cifar10/resnet18-cifar10/xnor")
    assert missing is not None
    assert missing.status == "not run"
    assert missing.command == "xnorkit train resnet18-cifar10 --data DIR"
    assert str(tmp_path) not in (tmp_path / "report" / "records.jsonl").read_text()
    cards = [record for record in store.find("accuracy") if "/card/" in record.id]
    assert {card.subject["model"] for card in cards} == {
        "lenet5",
        "nin-cifar10",
        "resnet18-cifar10",
        "resnet20-cifar10",
    }
    assert (result.measured - len(cards), result.in_part) == (4, 2)  # accuracy and curve each
    # A later collection writes what has changed, and nothing else.
    before = (tmp_path / "report" / "records.jsonl").read_text().splitlines()
    write_run(runs / "bwn", "lenet5-mnist", 20, "epochs=20", "model.binarization=bwn")
    again = Study(PLANS["full"], tmp_path / "report", runs=(runs,))
    run_study(again, ["accuracy"], show=lambda _: None)
    after = (tmp_path / "report" / "records.jsonl").read_text().splitlines()
    assert after[: len(before)] == before
    new = [json.loads(line)["id"] for line in after[len(before) :]]
    assert new == ["accuracy/mnist/lenet5/bwn", "curve/mnist/lenet5/bwn"]


def test_a_network_that_is_not_yet_binary_is_not_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_DATA", str(tmp_path / "no data"))
    write_run(tmp_path / "runs" / "half", "resnet20-cifar10", 3, *STAGES)
    study = Study(PLANS["full"], tmp_path / "report", runs=(tmp_path / "runs",))
    run_study(study, ["deployed"], show=lambda _: None)
    (record,) = study.store.find("deployed", model="resnet20-cifar10")
    assert (record.status, record.command) == (
        "not run",
        "xnorkit export runs/resnet20-cifar10/last.ckpt -o resnet20-cifar10.xnor",
    )
    assert record.reason.startswith("its run is in stage 'binary activations'")


def test_two_runs_of_a_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_DATA", str(tmp_path / "no data"))
    runs = tmp_path / "runs"
    write_run(runs / "a", "lenet5-mnist", 2, "epochs=2")
    write_run(runs / "b", "lenet5-mnist", 3, "epochs=3", "seed=1")
    write_run(runs / "c", "lenet5-fashion-mnist", 1, "epochs=1")
    study = Study(PLANS["full"], tmp_path / "report", runs=(runs,))
    run_study(study, ["accuracy"], show=lambda _: None)
    found = {record.id for record in study.store.find("accuracy") if record.status == "measured"}
    assert len([name for name in found if "/card/" not in name]) == 3
    assert "accuracy/mnist/lenet5/xnor" in found
    assert "accuracy/fashion-mnist/lenet5/xnor/s0/c" in found
