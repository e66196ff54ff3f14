"""The script that trains the zoo in pieces: what it starts, when it stops, and that nothing is lost in between."""

import lzma
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from run_parts import collect, restore, weights_alone
from train_zoo import PLAN, Entry, Job, finished, progress, read_plan, run_plan, unpacked

from xnorkit.data import create_data
from xnorkit.data.accuracy import evaluate_model
from xnorkit.errors import DataError, InputError
from xnorkit.train import Hardware, fit, load_checkpoint, load_recipe, read_checkpoint

NAME = "lenet5-digits"
SMALL = ("batch_size=32", "ema_decay=0.9")
EPOCHS = 80  # of some 50 ms: more than pass between two looks at a run, even on a busy machine
ARGUMENTS = ("--threads", "1", "--limit-train-batches", "2", "--limit-eval-batches", "1")


def entry(epochs: int) -> Entry:
    return Entry("student", NAME, epochs=epochs, set=list(SMALL))


def epochs_behind(runs: Path) -> int:
    """Return how many epochs the log of the run tells of."""
    return len((runs / "student" / "log.csv").read_text().splitlines()) - 1


def after(runs: Path, epochs: int) -> Callable[[], bool]:
    """Return whether the run has so many epochs behind it, as a clock that has run out."""

    def expired() -> bool:
        return (runs / "student" / "last.ckpt").is_file() and epochs_behind(runs) >= epochs

    return expired


def test_a_run_in_pieces_is_the_run_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped twice, and carried to another machine in parts in between."""
    monkeypatch.setattr("train_zoo.POLL", 0.02)
    here, there, parts = tmp_path / "here", tmp_path / "there", tmp_path / "parts"
    job = Job(here, tmp_path, arguments=ARGUMENTS)
    for _ in range(3):  # an interrupt can get lost in a callback of the interpreter; the run then ends by itself
        if run_plan([entry(EPOCHS)], job, after(here, 1)) == {"student": "unfinished"}:
            break
        shutil.rmtree(here)
    assert progress(here, ["student"])
    assert not finished(here, "student")
    files = collect([here / "student", here / "nothing"], parts, part_bytes=1_000_000)
    assert len(files) > 3
    assert all(file.stat().st_size <= 1_000_000 for file in files)
    assert restore(parts, there) == ["student"]
    for file in ("last.ckpt", "log.csv", "recipe.yaml"):
        assert (there / "student" / file).read_bytes() == (here / "student" / file).read_bytes()
    again = Job(there, tmp_path, arguments=ARGUMENTS)
    run_plan([entry(EPOCHS)], again, after(there, epochs_behind(there) + 1))
    assert run_plan([entry(EPOCHS)], again, lambda: False) == {"student": "finished"}
    assert f"{EPOCHS} epochs" in progress(there, ["student"])[0]
    commands = [line for line in (there / "student.log").read_text().splitlines() if line.startswith("-m xnorkit")]
    assert 1 <= len(commands) <= 2
    assert all(line.endswith("--resume last") for line in commands)
    hardware = Hardware(threads=1, limit_train_batches=2, limit_eval_batches=1)
    recipe = load_recipe(NAME, [f"epochs={EPOCHS}", *SMALL])
    whole = fit(recipe, output=tmp_path / "one", progress=False, hardware=hardware)
    ours, theirs = (read_checkpoint(path).weights for path in (there / "student/last.ckpt", whole.checkpoint))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_weights_alone_are_the_model(tmp_path: Path) -> None:
    run = fit(load_recipe(NAME, ["epochs=1", *SMALL]), output=tmp_path / "run", progress=False, threads=1)
    weights_alone(run.checkpoint, tmp_path / "weights.ckpt")
    before, after_ = (read_checkpoint(path) for path in (run.checkpoint, tmp_path / "weights.ckpt"))
    assert before.weights.keys() == after_.weights.keys()
    assert all(torch.equal(before.weights[key], after_.weights[key]) for key in before.weights)
    assert (after_.recipe, after_.evaluation, after_.resumable) == (before.recipe, before.evaluation, False)
    size = (tmp_path / "weights.ckpt").stat().st_size
    assert size < run.checkpoint.stat().st_size / 2.5
    collect([tmp_path / "run"], tmp_path / "parts")
    restore(tmp_path / "parts", tmp_path / "back")
    model, _ = load_checkpoint(tmp_path / "back/run/last.ckpt")
    data = create_data("digits")
    assert (tmp_path / "back/run/last.ckpt").stat().st_size == pytest.approx(size, abs=5000)

    def predict(images: object) -> object:
        normal = (torch.as_tensor(images).float() / 255 - data.mean[0]) / data.std[0]
        with torch.inference_mode():
            return model(normal).numpy()

    assert evaluate_model(predict, data)["top1"] == pytest.approx(run.accuracy, abs=0.003)


def test_order_and_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at a time; what waits for a run that failed is left out."""
    started: list[str] = []

    class Fake:
        def __init__(self, name: str) -> None:
            self.name, self.left = name, 2

        def poll(self) -> int | None:
            self.left -= 1
            if self.left > 0:
                return None
            if self.name != "c":
                (tmp_path / self.name).mkdir()
                (tmp_path / self.name / "result.json").touch()
            return 0

    def start(_job: Job, which: Entry) -> Fake:
        started.append(which.name)
        return Fake(which.name)

    monkeypatch.setattr(Job, "start", start)
    monkeypatch.setattr("train_zoo.POLL", 0.0)
    plan = [Entry("a", "r"), Entry("b", "r", after="a"), Entry("c", "r"), Entry("d", "r", after="c"), Entry("e", "r")]
    became = run_plan(plan, Job(tmp_path, tmp_path), lambda: False, parallel=2)
    assert started == ["a", "c", "b", "e"]
    assert became == {"a": "finished", "b": "finished", "c": "failed", "d": "unfinished", "e": "finished"}
    assert finished(tmp_path, "a")
    assert run_plan(plan, Job(tmp_path, tmp_path), lambda: True) == {**became, "c": "unfinished"}


def test_altered_parts(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    torch.save({"x": torch.arange(100)}, tmp_path / "run/last.ckpt")
    first, *_ = collect([tmp_path / "run"], tmp_path / "parts", "state")
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"runs\.00 is missing or altered"):
        restore(tmp_path / "parts", tmp_path / "back")
    first.unlink()
    with pytest.raises(DataError, match="is missing or altered"):
        restore(tmp_path / "parts", tmp_path / "back")
    with pytest.raises(DataError, match=r"runs\.json must list what was collected"):
        restore(tmp_path / "nothing", tmp_path / "back")
    with pytest.raises(InputError, match=r"holds a last\.ckpt"):
        collect([tmp_path / "nothing"], tmp_path / "parts")


def test_compressed_batches(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for number in range(1, 6):
        (folder / f"data_batch_{number}.bin.xz").write_bytes(lzma.compress(bytes([number]) * 100))
    found = unpacked(tmp_path / "data", tmp_path / "work")
    assert (found / "cifar-10-batches-bin/data_batch_3.bin").read_bytes() == b"\x03" * 100
    assert unpacked(found, tmp_path / "work") == found


def test_the_plan_names_what_there_is(tmp_path: Path) -> None:
    plan = read_plan(PLAN)
    names = [one.name for one in plan]
    assert len(names) == len(set(names))
    for one in plan:
        assert one.after is None or one.after in names[: names.index(one.name)]
        recipe = load_recipe(one.recipe, one.overrides(tmp_path, 1.0))
        counts = one.epochs if isinstance(one.epochs, list) else [one.epochs]
        assert recipe.epochs == sum(counts)
    assert Entry("a", "r", epochs=[4, 1]).overrides(tmp_path, 0.1) == ["stages.0.epochs=1", "stages.1.epochs=1"]
    assert Entry("a", "r", set=["x={runs}/y"]).overrides(Path("runs"), 1.0) == ["x=runs/y"]
