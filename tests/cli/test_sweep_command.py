"""`xnorkit sweep`: the grid, what is done once, what is chosen by, mistakes before anything is trained."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from xnorkit.app.sweep import Grid, split_values
from xnorkit.cli.main import main
from xnorkit.errors import DataError, XnorkitError
from xnorkit.train import BestEpoch, FitResult

pytest.importorskip("optuna", reason="needs xnorkit[sweep]")
QUICK = ("epochs=20", "batch_size=16", "--limit-train-batches", "1", "--limit-eval-batches", "1", "--threads", "1")


class Trainings:
    """A stand-in for `fit`, which records what it is asked for and may fail at some learning rate."""

    def __init__(self) -> None:
        self.done: list[tuple[float, int, Any]] = []
        self.failures: dict[float, BaseException] = {}

    def __call__(self, recipe: Any, *, output: Path, resume: Any, **_: Any) -> FitResult:
        rate, seed = recipe.optimizer.lr, recipe.seed
        output.mkdir(parents=True, exist_ok=True)
        if rate in self.failures:
            (output / "last.ckpt").touch()
            raise self.failures[rate]
        self.done.append((rate, seed, resume))
        accuracy = rate + seed / 1000
        best = BestEpoch(output / "best.ckpt", 1, accuracy, accuracy / 2) if recipe.data.selection else None
        split = f"held-out of {recipe.data.name}"
        return FitResult(recipe.name, output / "last.ckpt", split, 10, 1 - accuracy, None, 0.5, 1.0, 1, best=best)


@pytest.fixture
def trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    monkeypatch.chdir(tmp_path)
    found = Trainings()
    monkeypatch.setattr("xnorkit.app.sweep.fit", found)
    return found


def sweep(*words: str, code: int = 0) -> None:
    assert main(["sweep", "lenet5-digits", *words]) == code


def test_values_stand_between_commas_outside_of_brackets_and_quotes() -> None:
    assert split_values("0.001, 0.003") == ["0.001", "0.003"]
    assert split_values("[1,2],[3,[4,5]]") == ["[1,2]", "[3,[4,5]]"]
    assert split_values("{a: 1, b: 2},null") == ["{a: 1, b: 2}", "null"]
    assert split_values("'a,b',\"c,'d\"") == ["'a,b'", '"c,\'d"']
    assert split_values("cosine") == ["cosine"]
    grid = Grid("lenet5-digits", ["schedule.milestones=[2,4],[3]", "schedule.name=milestones", "seed=0,1"])
    assert [recipe.schedule.milestones for _, recipe in grid.recipes.values()] == [[2, 4], [2, 4], [3], [3]]
    assert next(iter(grid.recipes)) == "schedule.milestones--2-4-_seed-0"


def test_each_combination_is_trained_once_and_the_best_is_chosen_by_the_selection_split(
    trainings: Trainings, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("optimizer.lr=0.1,0.2", "seed=0,1", "data.selection=0.1")
    sweep(*words)
    assert trainings.done == [(0.1, 0, None), (0.1, 1, None), (0.2, 0, None), (0.2, 1, None)]
    text = capsys.readouterr()
    assert "trial 2 of 4: optimizer.lr=0.1 seed=1" in text.err
    assert "top-1, selection split" in text.out
    (marked,) = [line.split() for line in text.out.splitlines() if line.rstrip().endswith("best")]
    assert marked == ["0.2", "1", "20.10%", "best"]
    assert "its top-1, held-out of digits  10.05%" in text.out
    assert "runs/lenet5-digits-sweep/optimizer.lr-0.2_seed-1/best.ckpt" in text.out
    sweep(*words, "--json")
    assert len(trainings.done) == 4
    found = json.loads(capsys.readouterr().out)
    assert found["best"] == ["runs/lenet5-digits-sweep/optimizer.lr-0.2_seed-1"]
    assert found["trials"][0]["values"] == {"optimizer.lr": "0.1", "seed": "0"}
    assert found["trials"][0]["result"]["best"]["selection_accuracy"] == 0.1


def test_nothing_is_chosen_on_the_evaluation_split(trainings: Trainings, capsys: pytest.CaptureFixture[str]) -> None:
    sweep("optimizer.lr=0.1,0.2")
    text = capsys.readouterr().out
    assert "top-1, held-out of digits" in text
    assert "best  not chosen: the recipe holds no images out to choose by (data.selection)" in text
    sweep("data.name=digits,mnist", "--exp-name", "two")
    text = capsys.readouterr().out
    assert "held-out of mnist" in text
    assert "best  not chosen: the combinations were measured on different images" in text
    sweep("data.selection=0.1,0.2", "--exp-name", "three", "--json")
    assert json.loads(capsys.readouterr().out)["best"] == []


def test_equal_combinations_are_both_best(trainings: Trainings, capsys: pytest.CaptureFixture[str]) -> None:
    sweep("batch_size=32,64", "data.selection=0.1")
    assert "best  not one: 2 combinations are equal" in capsys.readouterr().out


def test_an_interrupted_sweep_goes_on_where_it_was(trainings: Trainings, capsys: pytest.CaptureFixture[str]) -> None:
    trainings.failures[0.2] = KeyboardInterrupt()
    words = ("optimizer.lr=0.1,0.2,0.3", "--output", "here")
    sweep(*words, code=130)
    assert "here holds what is done. Repeat the command to go on." in capsys.readouterr().err
    trainings.failures.clear()
    sweep(*words)
    assert "1 of 3 trials are done." in capsys.readouterr().err
    assert sorted(trainings.done) == [(0.1, 0, None), (0.2, 0, "last"), (0.3, 0, None)]


def test_a_training_that_fails_by_its_values_is_a_row(trainings: Trainings, capsys: pytest.CaptureFixture[str]) -> None:
    trainings.failures[0.2] = XnorkitError("the loss is nan, but it must be finite.")
    sweep("optimizer.lr=0.1,0.2,0.3")
    text = capsys.readouterr().out
    assert [rate for rate, *_ in trainings.done] == [0.1, 0.3]
    assert "optimizer.lr=0.2: the loss is nan, but it must be finite." in text
    trainings.failures.clear()
    sweep("optimizer.lr=0.1,0.2,0.3")
    assert len(trainings.done) == 2, "what failed by its values would fail again"
    trainings.failures = {0.1: XnorkitError("the loss is nan."), 0.2: XnorkitError("the loss is inf.")}
    capsys.readouterr()
    sweep("optimizer.lr=0.1,0.2", "--exp-name", "all", code=2)
    assert "error: none of 2 trainings reached its end" in capsys.readouterr().err


def test_what_stops_every_training_stops_the_sweep(
    trainings: Trainings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainings.failures[0.1] = DataError("there is no data.")
    sweep("optimizer.lr=0.1,0.2", code=2)
    assert capsys.readouterr().err.endswith("error: there is no data.\n")
    trainings.failures.clear()
    sweep("optimizer.lr=0.1,0.2")
    assert len(trainings.done) == 2


def test_absent_data_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "lenet5-mnist", "seed=0,1", "--data", "nowhere"]) == 2
    assert "MNIST was not found" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "each field of the sweep has one value, but one field must have several. Write them with commas"),
        ("epochs=3", "each field of epochs=3 has one value, but one field must have several."),
        ("seed=0,1 seed=2", "the field seed is given twice, but it must stand once, with all of its values."),
        ("seed=0,,1", "seed=0,,1 has an empty value, but each must be given."),
        ("optimizer.lr=0.001,1e-3", "optimizer.lr=1e-3 is the same training as another one, but each must be another."),
        ("seed=0,1 optimizer.lr=fast", "optimizer.lr=fast, but it must be a number"),
        ("optimizer.lr=0.1,fast", "optimizer.lr=fast, but it must be a number"),
        ("optimiser.lr=0.1,0.2", "the field 'optimiser' is unknown"),
        ("model.name=lenet5,lenet6", "lenet6"),
        ("seed=0,1 output=here", "output is not a field of the recipe but an option. Write --output here."),
    ],
)
def test_mistakes_are_found_before_the_first_training(
    words: str, message: str, trainings: Trainings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(*words.split(), code=2)
    line = capsys.readouterr().err
    assert message in line
    assert line.count("\n") == 1
    assert (trainings.done, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize(
    ("typed", "ours"), [("--seeds 0,1", "Write seed=0,1."), ("--epochs 3", "Write epochs=3."), ("-j 4", "--workers 4.")]
)
def test_options_of_other_commands_find_their_way(typed: str, ours: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sweep", "lenet5-digits", *typed.split()])
    assert ours in capsys.readouterr().err


def test_the_folder_of_another_sweep_or_of_somebody_else_is_refused(
    trainings: Trainings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep("seed=0,1")
    for words in (["seed=0,1,2"], ["seed=0,1", "epochs=7"], ["seed=0,1", "--limit-train-batches", "1"]):
        sweep(*words, code=2)
        assert "runs/lenet5-digits-sweep holds a sweep of other values" in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.db").write_text("mine")
    sweep("seed=0,1", "--output", "mine", code=2)
    assert "holds study.db, not its own" in capsys.readouterr().err
    assert (tmp_path / "mine" / "study.db").read_text() == "mine"
    (tmp_path / "runs/lenet5-digits-sweep/study.db").write_text("damaged" * 1000)
    sweep("seed=0,1", code=2)
    line = capsys.readouterr().err
    assert "study.db cannot be read or written" in line
    assert line.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="kills a process")
def test_a_killed_sweep_resumes_its_training(tmp_path: Path) -> None:
    words = ["sweep", "lenet5-digits", "seed=0,1", *QUICK, "--output", "here"]
    command = [sys.executable, "-m", "xnorkit.cli.main", *words]
    checkpoint = tmp_path / "here" / "seed-0" / "last.ckpt"
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 600
        while not checkpoint.is_file() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    done = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["trials"]
    assert [trial["result"]["epochs"] for trial in trials] == [20, 20]
    assert [len((tmp_path / trial["folder"] / "log.csv").read_text().splitlines()) for trial in trials] == [21, 21]
