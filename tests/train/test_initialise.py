"""Recipes that start from the weights of another network: which are copied, what is said, what is refused."""

import importlib
from pathlib import Path

import pytest
import torch

from xnorkit.data import ImageData, Split, create_data
from xnorkit.errors import InputError, RecipeError
from xnorkit.train import Hardware, Recipe, fit, load_checkpoint, load_recipe

fit_module = importlib.import_module("xnorkit.train.fit")
teacher_module = importlib.import_module("xnorkit.train.sources")
STILL = ("epochs=1", "batch_size=48", "optimizer.lr=1e-12")


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*args: object, **options: object) -> ImageData:
        data = create_data(*args, **options)
        data.train = Split(data.train.images[:96], data.train.labels[:96])
        data.test = Split(data.test.images[:50], data.test.labels[:50])
        return data

    monkeypatch.setattr(fit_module, "create_data", small)
    short = load_recipe("lenet5-digits-float", ["epochs=1", "batch_size=48"])
    monkeypatch.setattr(teacher_module, "load_recipe", lambda name: short)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of the runs that were started inside others."""
    seen: list[str] = []

    def watched(recipe: Recipe, **options: object) -> object:
        seen.append(Path(str(options["output"])).name)
        return fit(recipe, **options)

    monkeypatch.setattr(fit_module, "fit", watched)
    return seen


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path)[0].state_dict()


def test_a_binary_network_starts_from_its_float_twin(
    tmp_path: Path, fitted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = load_recipe("lenet5-digits", [*STILL, "initialise.recipe=lenet5-digits-float"])
    result = fit(recipe, output=tmp_path / "run")
    assert fitted == ["initialisation"]
    source = tmp_path / "run/initialisation/last.ckpt"
    theirs, ours = weights(source), weights(result.checkpoint)
    for name in ("conv1.weight", "block2.conv.weight", "classifier.weight"):
        torch.testing.assert_close(ours[name], theirs[name])
    assert f"initialise: {len(ours)} of {len(ours)} tensors from {source}\n" in capsys.readouterr().err

    by_file = load_recipe("lenet5-digits", [*STILL, f"initialise.checkpoint={source}"])
    again = fit(by_file, output=tmp_path / "again", progress=False)
    assert again.loss == result.loss
    assert not (tmp_path / "again/initialisation").exists()


def test_one_run_is_teacher_and_start(tmp_path: Path, fitted: list[str]) -> None:
    both = ["initialise.recipe=lenet5-digits-float", "teacher.recipe=lenet5-digits-float"]
    result = fit(load_recipe("lenet5-digits", [*STILL, *both]), output=tmp_path, progress=False)
    assert fitted == ["teacher"]
    assert not (tmp_path / "initialisation").exists()
    torch.testing.assert_close(
        weights(result.checkpoint)["conv1.weight"], weights(tmp_path / "teacher/last.ckpt")["conv1.weight"]
    )


def test_a_resumed_run_keeps_its_own_weights(tmp_path: Path, fitted: list[str]) -> None:
    fields = ["batch_size=48", "schedule.name=constant", "initialise.recipe=lenet5-digits-float"]
    whole = fit(load_recipe("lenet5-digits", [*fields, "epochs=2"]), output=tmp_path / "whole", progress=False)
    fit(load_recipe("lenet5-digits", [*fields, "epochs=1"]), output=tmp_path / "cut", progress=False)
    fitted.clear()
    longer = load_recipe("lenet5-digits", [*fields, "epochs=2"])
    resumed = fit(longer, output=tmp_path / "cut", resume="last", progress=False)
    assert fitted == []
    assert resumed.loss == whole.loss
    before, after = weights(whole.checkpoint), weights(resumed.checkpoint)
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_what_does_not_match_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = fit(load_recipe("lenet5-digits", STILL), output=tmp_path / "a", progress=False)
    content = torch.load(first.checkpoint, weights_only=True)
    state = content["state_dict"]
    state["model.old.weight"] = torch.zeros(1)
    state["model.classifier.weight"] = torch.zeros(3, 3)
    torch.save(content, tmp_path / "x.ckpt")
    recipe = load_recipe("lenet5-digits", [*STILL, f"initialise.checkpoint={tmp_path / 'x.ckpt'}"])
    fit(recipe, output=tmp_path / "b")
    assert "; new: classifier.weight; not used: classifier.weight, old.weight\n" in capsys.readouterr().err

    content["state_dict"] = {"model.other": torch.zeros(1)}
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=r"initialise=.*x\.ckpt: none of its 1 tensors"):
        fit(recipe, output=tmp_path / "c", progress=False)


def test_a_trial_trains_no_other_network(tmp_path: Path, fitted: list[str]) -> None:
    both = ["initialise.recipe=lenet5-digits-float", "teacher.recipe=lenet5-digits-float"]
    recipe = load_recipe("lenet5-digits", [*STILL, *both])
    result = fit(recipe, output=tmp_path / "run", progress=False, hardware=Hardware(fast_dev_run=True))
    assert result.images == 50
    assert fitted == []
    assert not (tmp_path / "run").exists()


def test_mistakes(tmp_path: Path, fitted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match=r"initialise=\(None, None\), but it must be either a checkpoint or a recipe"):
        load_recipe("lenet5-digits", ["initialise={}"])
    absent = f"initialise.checkpoint={tmp_path / 'absent.ckpt'}"
    taught = load_recipe("lenet5-digits", [*STILL, absent, "teacher.recipe=lenet5-digits-float"])
    with pytest.raises(InputError, match="no checkpoint at"):
        fit(taught, output=tmp_path / "run", progress=False)
    assert fitted == [], "before the teacher is trained"
    with pytest.raises(RecipeError, match=r"one source of weights\. Leave pretrained out"):
        fit(taught, output=tmp_path / "run", pretrained=tmp_path / "x.ckpt", progress=False)
    inside = load_recipe("lenet5-digits", [*STILL, f"initialise.checkpoint={tmp_path / 'run/last.ckpt'}"])
    with pytest.raises(InputError, match="is in the run to replace"):
        fit(inside, output=tmp_path / "run", overwrite=True, progress=False)
    chain = load_recipe("lenet5-digits", [*STILL, absent])
    monkeypatch.setattr(teacher_module, "load_recipe", lambda name: chain)
    recipe = load_recipe("lenet5-digits", [*STILL, "initialise.recipe=a"])
    with pytest.raises(RecipeError, match=r"initialise.recipe=a has the field initialise itself, but it must"):
        fit(recipe, output=tmp_path / "run", progress=False)
