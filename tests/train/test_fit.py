"""Training runs: result files, resume, checkpoints, errors. Small subsets of the digits."""

import csv
import importlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from xnorkit.data import ImageData, Split, create_data, normalize
from xnorkit.errors import InputError, RecipeError, XnorkitError
from xnorkit.format import Preparation
from xnorkit.nn import BinaryLinear
from xnorkit.train import (
    Hardware,
    ModelSpec,
    Recipe,
    ScheduleSpec,
    evaluate_model,
    find_checkpoint,
    fit,
    load_checkpoint,
    load_recipe,
)
from xnorkit.train.log import has_tensorboard
from xnorkit.train.module import TrainingModule

# By its full name: the package attribute `fit` is the function.
fit_module = importlib.import_module("xnorkit.train.fit")
SIZE = 192


def small(*args: object, **options: object) -> ImageData:
    data = create_data(*args, **options)
    data.train = Split(data.train.images[:SIZE], data.train.labels[:SIZE])
    data.test = Split(data.test.images[:100], data.test.labels[:100])
    return data


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, "create_data", small)


def recipe(**changes: object) -> Recipe:
    return replace(load_recipe("lenet5-digits", ["batch_size=48", "data.shift=1"]), **changes)


def rows(folder: Path) -> list[dict[str, str]]:
    """Rows of log.csv without the times."""
    with (folder / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path)[0].state_dict()


def test_one_epoch_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = fit(recipe(epochs=1), output=tmp_path / "run", threads=1)
    written = [
        ".xnorkit",
        "last.ckpt",
        "log.csv",
        "recipe.yaml",
        "result.json",
        *(["tensorboard"] if has_tensorboard() else []),
    ]
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == written
    assert load_recipe(tmp_path / "run/recipe.yaml") == recipe(epochs=1)
    stored = json.loads((tmp_path / "run/result.json").read_text())
    assert stored["fields"] == recipe(epochs=1).to_dict()
    assert {k: v for k, v in stored.items() if k != "fields"} == result.to_json()
    (row,) = rows(tmp_path / "run")
    assert float(row["eval_accuracy"]) == pytest.approx(result.accuracy, abs=1e-6)
    assert float(row["eval_loss"]) == pytest.approx(result.loss, rel=1e-5)
    assert (result.split, result.epochs, result.recipe) == ("held-out 20 %", 1, "lenet5-digits")
    console = capsys.readouterr()
    assert console.out == ""
    assert console.err.startswith("epoch 1/1 loss ")
    assert console.err.count("\n") == 1

    model, stored_recipe = load_checkpoint(result.checkpoint)
    assert not model.training
    assert stored_recipe == recipe(epochs=1)
    data = small("digits")
    predict = lambda images: model(normalize(torch.from_numpy(images), data.mean, data.std)).detach().numpy()  # noqa: E731
    assert evaluate_model(predict, data)["top1"] == result.accuracy


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_resumed_run_equals_uninterrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schedule: str) -> None:
    same = recipe(epochs=4, schedule=ScheduleSpec(schedule))
    whole = fit(same, output=tmp_path / "whole", progress=False)

    step, steps = TrainingModule.training_step, SIZE // 48

    def broken(self: TrainingModule, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        if self.global_step == 2 * steps + 1:  # in the middle of the third epoch
            raise RuntimeError("power failure")
        return step(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", broken)
    with pytest.raises(RuntimeError, match="power failure"):
        fit(same, output=tmp_path / "cut", progress=False)
    monkeypatch.setattr(TrainingModule, "training_step", step)
    torch.manual_seed(99)
    resumed = fit(same, output=tmp_path / "cut", resume="last", progress=False)

    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert [row["epoch"] for row in rows(tmp_path / "cut")] == ["1", "2", "3", "4"]
    assert (resumed.loss, resumed.accuracy) == (whole.loss, whole.accuracy)
    before, after = weights(whole.checkpoint), weights(resumed.checkpoint)
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_longer_run_and_finished_run_can_be_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = ["schedule.name=step", "schedule.step_epochs=1", "batch_size=48"]
    long = fit(load_recipe("lenet5-digits", [*steps, "epochs=2"]), output=tmp_path / "long", progress=False)
    short = fit(load_recipe("lenet5-digits", [*steps, "epochs=1"]), output=tmp_path / "short", progress=False)
    more = fit(
        load_recipe("lenet5-digits", [*steps, "epochs=2"]),
        output=tmp_path / "more",
        resume=short.checkpoint,
        progress=False,
    )
    assert more.loss == long.loss
    assert short.checkpoint.exists()
    again = fit(load_recipe("lenet5-digits", [*steps, "epochs=2"]), output=tmp_path / "more", resume="last")
    assert again.loss == more.loss
    assert "last.ckpt is finished: all 2 epochs are done, only evaluated. More: epochs=N." in capsys.readouterr().err


def test_weights_stay_projected(tmp_path: Path) -> None:
    hot = load_recipe("lenet5-digits", ["optimizer.lr=0.5", "schedule.name=constant", "epochs=1", "batch_size=48"])
    model, _ = load_checkpoint(fit(hot, output=tmp_path, progress=False).checkpoint)
    layer = model.get_submodule("block3.linear")
    assert isinstance(layer, BinaryLinear)
    assert layer.weight.abs().max() == 1 - 2**-24
    assert model.get_submodule("block2.bn").weight.min() >= 0.01


@pytest.mark.parametrize(
    ("binarization", "message"),
    [
        ("float", r"the loss is nan in step 0 \(epoch 1\), but it must be finite"),
        ("xnor", r"'conv1.weight' holds NaN or infinity after epoch 1, but its"),  # the sign hides it from the loss
    ],
)
def test_not_a_number_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, binarization: Literal["xnor", "float"], message: str
) -> None:
    monkeypatch.setattr(fit_module, "create_data", lambda *a, **k: _with_nan(small(*a, **k)))
    with pytest.raises(XnorkitError, match=message):
        fit(recipe(epochs=1, model=ModelSpec("lenet5", binarization)), output=tmp_path, progress=False)
    assert not (tmp_path / "result.json").exists()
    assert not (tmp_path / "last.ckpt").exists()


def _with_nan(data: ImageData) -> ImageData:
    data.mean = (float("nan"),)
    return data


def test_resume_with_another_recipe_is_refused(tmp_path: Path) -> None:
    fit(recipe(epochs=1), output=tmp_path, progress=False)
    with pytest.raises(RecipeError, match="another seed, label_smoothing than recipe"):
        fit(recipe(epochs=2, seed=1, label_smoothing=0.1), output=tmp_path, resume="last", progress=False)


def test_resume_with_images_that_are_prepared_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(recipe(epochs=1), output=tmp_path / "run")

    def whitened(*args: object, **options: object) -> ImageData:
        data = small(*args, **options)
        data.preparation = Preparation(prepared="whitened")
        return data

    monkeypatch.setattr(fit_module, "create_data", whitened)
    with pytest.raises(InputError, match="prepared differently from those of 'digits'"):
        fit(recipe(epochs=2), output=tmp_path / "run", resume="last")


def test_resume_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint at"):
        fit(recipe(), output=tmp_path / "run", resume="last")
    assert not (tmp_path / "run").exists()


def test_bad_threads(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="threads=0, but it must be from 1 to 256"):
        fit(recipe(), output=tmp_path, threads=0)


def test_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be used as a folder"):
        fit(recipe(), output=tmp_path / "file")


def saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"text", saved({"state_dict": {}}), saved([1]), saved(BinaryLinear(1, 1)), saved({"state_dict": {}})[:200]],
    ids=["empty", "text", "no recipe", "list", "code", "truncated"],
)
def test_wrong_checkpoints(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"x\.ckpt is not a checkpoint of this library, or is damaged, but it must be a last\.ckpt.*convert",
    ):
        load_checkpoint(path)


def test_checkpoint_with_other_weights(tmp_path: Path) -> None:
    content = {"xnorkit": {"recipe": recipe().to_dict(), "num_classes": 10}, "epoch": 0}
    (tmp_path / "x.ckpt").write_bytes(saved({**content, "state_dict": {"model.a": torch.zeros(1)}}))
    with pytest.raises(InputError, match="do not fit model 'lenet5'"):
        load_checkpoint(tmp_path / "x.ckpt")
    with pytest.raises(InputError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "absent.ckpt")


def test_evaluation_ranks() -> None:
    data = small("digits")
    labels = data.test.labels.numpy()

    def fifth(images: np.ndarray) -> np.ndarray:
        """Put the true class fifth, except on the last image, where it is sixth."""
        start = 0 if len(images) == 60 else 60
        truth = labels[start : start + len(images)]
        logits = np.tile(np.arange(10.0), (len(images), 1))
        logits[np.arange(len(images)), truth] = -1
        order = np.sort(logits, axis=1)
        logits[np.arange(len(images)), truth] = order[:, -4] - 0.5
        if start:
            logits[-1, truth[-1]] = order[-1, -5] - 0.5
        return logits

    found = evaluate_model(fifth, data, batch_size=60)
    assert (found["images"], found["top1"], found["top5"]) == (100, 0.0, 0.99)
    per_class = found["per_class"]
    assert [row["class"] for row in per_class] == [str(digit) for digit in range(10)]
    assert [row["images"] for row in per_class] == np.bincount(labels, minlength=10).tolist()
    missed = [int(labels[-1])]
    assert [i for i, row in enumerate(per_class) if row["top5"] != 1.0] == missed
    assert evaluate_model(lambda images: np.eye(10)[labels], data)["top1"] == 1.0
    with pytest.raises(InputError, match=r"shape \(100, 3\), but they must be \(100, 10\)"):
        evaluate_model(lambda images: np.zeros((100, 3)), data)
    with pytest.raises(InputError, match="without NaN"):
        evaluate_model(lambda images: np.full((100, 10), np.nan), data)


def test_best_epoch_is_chosen_on_the_selection_split(tmp_path: Path) -> None:
    held = load_recipe("lenet5-digits", ["batch_size=48", "epochs=3", "data.selection=0.25", "ema_decay=0.5"])
    result = fit(held, output=tmp_path / "run", progress=False)
    table = rows(tmp_path / "run")
    accuracies = [float(row["select_accuracy"]) for row in table]
    assert result.best is not None
    assert result.best.epoch == 1 + accuracies.index(max(accuracies))
    assert result.best.selection_accuracy == pytest.approx(max(accuracies), rel=1e-6)
    assert result.best.accuracy == pytest.approx(float(table[result.best.epoch - 1]["eval_accuracy"]), rel=1e-6)
    model, _ = load_checkpoint(result.best.checkpoint)
    data = small("digits")
    predict = lambda images: model(normalize(torch.from_numpy(images), data.mean, data.std)).detach().numpy()  # noqa: E731
    assert evaluate_model(predict, data)["top1"] == result.best.accuracy, "averaged weights are kept"
    assert fit(recipe(epochs=1), output=tmp_path / "none", progress=False).best is None
    assert not (tmp_path / "none/best.ckpt").exists()


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    first = fit(recipe(epochs=1), output=tmp_path, progress=False)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match=r"holds a run, but a new one must have a folder of its"):
        fit(recipe(epochs=1, seed=1), output=tmp_path, progress=False)
    second = fit(recipe(epochs=1, seed=1), output=tmp_path, overwrite=True, progress=False)
    assert second.loss != first.loss
    assert (tmp_path / "mine.txt").exists()


def test_a_run_that_fails_at_once_leaves_nothing(tmp_path: Path) -> None:
    hot = load_recipe("lenet5-digits", ["batch_size=48", "optimizer.lr=1e30"])
    with pytest.raises(XnorkitError, match="finite"):
        fit(hot, output=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_fast_dev_run_writes_nothing(tmp_path: Path) -> None:
    result = fit(recipe(), output=tmp_path / "run", progress=False, hardware=Hardware(fast_dev_run=True))
    assert result.to_json()["checkpoint"] is None
    assert not (tmp_path / "run").exists()


def test_limits(tmp_path: Path) -> None:
    limits = Hardware(limit_train_batches=1, limit_eval_batches=1)
    result = fit(recipe(epochs=2), output=tmp_path, progress=False, hardware=limits)
    assert result.split == "held-out 20 %, 100 images of it"
    assert torch.load(result.checkpoint, weights_only=True)["global_step"] == 2


def test_pretrained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = fit(recipe(epochs=1), output=tmp_path / "a", progress=False)
    still = replace(recipe(epochs=1).optimizer, lr=1e-12)
    twin = recipe(epochs=1, optimizer=still, model=ModelSpec("lenet5", "float"))
    second = fit(twin, output=tmp_path / "b", pretrained=first.checkpoint)
    assert "pretrained: " in capsys.readouterr().err
    before, after = weights(first.checkpoint), weights(second.checkpoint)
    torch.testing.assert_close(after["block2.conv.weight"], before["block2.conv.weight"])
    plain = recipe(epochs=1, optimizer=still, model=ModelSpec("lenet5", "float"))
    other = weights(fit(plain, output=tmp_path / "c", progress=False).checkpoint)
    assert not torch.allclose(other["block2.conv.weight"], before["block2.conv.weight"])
    broken = torch.load(first.checkpoint, weights_only=True)
    broken["state_dict"] = {"model.other": torch.zeros(1)}
    torch.save(broken, tmp_path / "x.ckpt")
    with pytest.raises(InputError, match="none of its 1 tensors"):
        fit(twin, output=tmp_path / "d", pretrained=tmp_path / "x.ckpt", progress=False)
    assert not (tmp_path / "d").exists()


def test_find_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="no checkpoint 'run', but it must be a file, or a run in"):
        find_checkpoint("run", tmp_path)
    for name in ("last.ckpt", "best.ckpt"):
        (tmp_path / "run" / name).touch()
        assert find_checkpoint("run", tmp_path) == tmp_path / "run" / name
    assert find_checkpoint(str(tmp_path / "run/last.ckpt"), tmp_path).name == "last.ckpt"


def test_accumulation_and_clipping_reach_the_trainer(tmp_path: Path) -> None:
    parts = recipe(epochs=1, batch_size=96, accumulate=2, clip_gradient=1e-9, channels_last=True)
    result = fit(parts, output=tmp_path / "a", progress=False)
    assert torch.load(result.checkpoint, weights_only=True)["global_step"] == SIZE // 96
    sgd = replace(parts.optimizer, name="sgd", lr=0.1)
    clipped = weights(fit(replace(parts, optimizer=sgd), output=tmp_path / "b", progress=False).checkpoint)
    torch.manual_seed(parts.seed)
    start = TrainingModule(parts, 10, 2).model.state_dict()
    moved = [float((clipped[name] - start[name]).abs().max()) for name in ("conv1.weight", "classifier.weight")]
    assert 0 < max(moved) < 1e-9 * 0.1 * 3, "two steps of a gradient of norm 1e-9, with momentum"


def test_several_processes_need_whole_shares(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"batch_size=49 for 2 processes.*a multiple of 2"):
        fit(recipe(batch_size=49), output=tmp_path, progress=False, hardware=Hardware("2", accelerator="cpu"))
    with pytest.raises(InputError, match="the trainer refuses"):
        fit(recipe(), output=tmp_path, progress=False, hardware=Hardware(accelerator="nothing"))
