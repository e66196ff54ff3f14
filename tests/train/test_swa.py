"""The mean of the last epochs' weights: what it is, what is evaluated and kept, and that it resumes."""

import csv
import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit.data import ImageData, Split, create_data, normalize
from xnorkit.errors import RecipeError
from xnorkit.train import Recipe, StageSpec, SwaSpec, evaluate_model, fit, load_checkpoint, load_recipe
from xnorkit.train.averages import FinalAverage
from xnorkit.train.module import TrainingModule
from xnorkit.train.stages import averages_from

fit_module = importlib.import_module("xnorkit.train.fit")
IMAGES, BATCH = 192, 48


def small(*args: object, **options: object) -> ImageData:
    data = create_data(*args, **options)
    data.train = Split(data.train.images[:IMAGES], data.train.labels[:IMAGES])
    data.test = Split(data.test.images[:100], data.test.labels[:100])
    return data


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, "create_data", small)


def recipe(*more: str, epochs: int = 4, start: float = 0.5) -> Recipe:
    plain = ["schedule.name=constant", f"batch_size={BATCH}", f"epochs={epochs}", *more]
    return replace(load_recipe("lenet5-digits", plain), swa=SwaSpec(start))


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path)[0].state_dict()


def test_mean_and_statistics() -> None:
    network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3))
    average, total = FinalAverage(), torch.zeros(3, 2)
    torch.manual_seed(0)
    for value in (1.0, -2.0, 0.25):
        nn.init.normal_(network[0].weight, value)
        nn.init.constant_(network[1].weight, value)
        total += network[0].weight.detach()
        average.update(network, copied=["1.weight"])
    average.enter(network)
    assert network[1].running_mean.eq(0).all(), "without its own statistics the mean is not entered"
    images = [torch.randn(8, 2) for _ in range(3)]
    average.finish(images, lambda x: x)
    last = network[0].weight.detach().clone()
    average.enter(network)
    torch.testing.assert_close(network[0].weight.detach(), total / 3)
    assert network[1].weight.eq(0.25).all(), "copied, not averaged"
    outputs = [x @ (total / 3).T for x in images]
    torch.testing.assert_close(network[1].running_mean, sum(y.mean(0) for y in outputs) / 3)
    torch.testing.assert_close(network[1].running_var, sum(y.var(0) for y in outputs) / 3)
    average.leave(network)
    assert torch.equal(network[0].weight.detach(), last)


def test_first_epoch() -> None:
    stages = [StageSpec("a", 10), StageSpec("b", 8)]
    assert [averages_from(stages, start) for start in (0.0, 0.5, 0.75, 0.99)] == [10, 14, 16, 17]


def test_the_result_is_that_of_the_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    end = TrainingModule.on_train_epoch_end

    def watched(self: TrainingModule) -> None:
        seen.append(self.model.get_parameter("block2.conv.weight").detach().clone())
        end(self)

    monkeypatch.setattr(TrainingModule, "on_train_epoch_end", watched)
    result = fit(recipe(), output=tmp_path / "a", progress=False)
    plain = fit(replace(recipe(), swa=None), output=tmp_path / "b", progress=False)
    model, _ = load_checkpoint(result.checkpoint)
    torch.testing.assert_close(model.get_parameter("block2.conv.weight").detach(), (seen[2] + seen[3]) / 2)
    assert all(torch.equal(one, other) for one, other in zip(seen[:4], seen[4:], strict=True)), "training is the same"
    data = small("digits")

    def predict(images: np.ndarray) -> np.ndarray:
        return model(normalize(torch.from_numpy(images), data.mean, data.std)).detach().numpy()

    assert evaluate_model(predict, data)["top1"] == result.accuracy
    assert result.loss != plain.loss
    tables = []
    for name in "ab":
        with (tmp_path / name / "log.csv").open(newline="") as file:
            tables.append([row["eval_loss"] for row in csv.DictReader(file)])
    assert tables[0][:3] == tables[1][:3], "the epochs before are those of the weights as trained"
    again = fit(recipe(), output=tmp_path / "a", resume="last", progress=False)
    assert (again.loss, again.accuracy) == (result.loss, result.accuracy), "a finished run is only evaluated"


@pytest.mark.parametrize("cut", [2, 3])
def test_resumed_run_equals_uninterrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    """Cut before the first averaged epoch, and between it and the last."""
    whole = fit(recipe("binary_optimizer={name: bop, lr: 0.1}"), output=tmp_path / "whole", progress=False)
    step = TrainingModule.training_step

    def broken(self: TrainingModule, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        if self.global_step == cut * IMAGES // BATCH + 1:
            raise RuntimeError("power failure")
        return step(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", broken)
    with pytest.raises(RuntimeError, match="power failure"):
        fit(recipe("binary_optimizer={name: bop, lr: 0.1}"), output=tmp_path / "cut", progress=False)
    monkeypatch.setattr(TrainingModule, "training_step", step)
    torch.manual_seed(99)
    same = recipe("binary_optimizer={name: bop, lr: 0.1}")
    resumed = fit(same, output=tmp_path / "cut", resume="last", progress=False)
    assert (resumed.loss, resumed.accuracy) == (whole.loss, whole.accuracy)
    before, after = weights(whole.checkpoint), weights(resumed.checkpoint)
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_stages_and_best_epoch(tmp_path: Path) -> None:
    """The average is that of the last stage; a best epoch before the end has the weights that it was chosen by."""
    fields = ["teacher=null", "batch_size=48", "data.selection=0.25", *(f"stages.{i}.epochs=1" for i in (0, 1))]
    staged = load_recipe("lenet5-digits-staged", [*fields, "stages.2.epochs=2", "swa.start=0"])
    result = fit(staged, output=tmp_path, progress=False)
    assert torch.load(result.checkpoint, weights_only=True)["xnorkit"]["swa"]["epochs"] == 2
    assert result.best is not None
    model, _ = load_checkpoint(result.best.checkpoint)
    data = small("digits")
    predict = lambda images: model(normalize(torch.from_numpy(images), data.mean, data.std)).detach().numpy()  # noqa: E731
    assert evaluate_model(predict, data)["top1"] == result.best.accuracy


def test_two_averages_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"ema_decay=0\.9, but it must be 0 with swa"):
        load_recipe("lenet5-digits", ["ema_decay=0.9", "swa={}"])
