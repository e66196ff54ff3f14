"""The folder of a run: the files of a user stay, and a run that was to be replaced comes back."""

import importlib
import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xnorkit.data import ImageData, Split, create_data
from xnorkit.errors import InputError, XnorkitError
from xnorkit.owned import MARK, OwnedFolder
from xnorkit.train import Recipe, fit, load_recipe
from xnorkit.train.log import has_tensorboard

fit_module = importlib.import_module("xnorkit.train.fit")
NAMES = ["recipe.yaml", "last.ckpt", "log.csv", "result.json", "best.ckpt", "last.ckpt.part", ".replaced"]
NAMES += ["tensorboard"] if has_tensorboard() else []


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*args: Any, **options: Any) -> ImageData:
        data = create_data(*args, **options)
        data.train = Split(data.train.images[:256], data.train.labels[:256])
        data.test = Split(data.test.images[:50], data.test.labels[:50])
        return data

    monkeypatch.setattr(fit_module, "create_data", small)


def recipe(*overrides: str) -> Recipe:
    return load_recipe("lenet5-digits", ["batch_size=48", "epochs=1", "data.selection=0.25", *overrides])


def hot(*overrides: str) -> Recipe:
    """A recipe whose loss is no number in the first epoch."""
    return recipe("optimizer.lr=1e30", *overrides)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but those of TensorBoard, whose names hold the time."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and "tfevents" not in p.name
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["new", "overwrite"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_files_of_a_user_stay(tmp_path: Path, name: str, how: str, kind: str) -> None:
    if kind == "folder":
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("mine")
    else:
        (tmp_path / name).write_text("mine")
    (tmp_path / "paper.tex").write_text("mine")
    before = contents(tmp_path)
    for run in (recipe(), hot()):
        with pytest.raises(InputError, match=r", but .* folder") as caught:
            fit(run, output=tmp_path, overwrite=how == "overwrite", progress=False)
        assert "\n" not in str(caught.value)
    assert contents(tmp_path) == before


def test_a_recipe_beside_which_it_trains_stays(tmp_path: Path) -> None:
    text = recipe().to_yaml() + "# my own remarks\n"
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(InputError, match=r"holds recipe\.yaml, not its own"):
        fit(load_recipe(tmp_path / "recipe.yaml", ["seed=1"]), output=tmp_path, progress=False)
    fit(load_recipe(tmp_path / "recipe.yaml"), output=tmp_path, progress=False)
    assert (tmp_path / "recipe.yaml").read_text() == text
    with pytest.raises(InputError, match=r"holds recipe\.yaml, not its own"):
        fit(recipe("seed=1"), output=tmp_path, overwrite=True, progress=False)
    fit(recipe(), output=tmp_path, overwrite=True, progress=False)
    assert (tmp_path / "recipe.yaml").read_text() == text


def test_a_recipe_stays_when_the_first_epoch_fails(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(hot().to_yaml())
    before = contents(tmp_path)
    with pytest.raises(XnorkitError, match="finite"):
        fit(load_recipe(tmp_path / "recipe.yaml"), output=tmp_path, progress=False)
    assert contents(tmp_path) == before


def test_a_replaced_run_comes_back_if_the_new_one_fails(tmp_path: Path) -> None:
    fit(recipe(), output=tmp_path, progress=False)
    before = {name: content for name, content in contents(tmp_path).items() if name != MARK}
    with pytest.raises(XnorkitError, match="finite"):
        fit(hot(), output=tmp_path, overwrite=True, progress=False)
    assert {name: content for name, content in contents(tmp_path).items() if name != MARK} == before
    fit(recipe("seed=1"), output=tmp_path, overwrite=True, progress=False)
    after = contents(tmp_path)
    assert set(after) == {*before, MARK}
    assert all(after[name] != before[name] for name in before)


def _die(*_: object) -> None:
    import os

    os._exit(9)


def _killed(folder: Path, overwrite: bool) -> None:
    module = importlib.import_module("xnorkit.train.module")
    module.TrainingModule.training_step = _die
    fit(recipe("seed=2"), output=folder, overwrite=overwrite, progress=False)


def test_a_replaced_run_comes_back_if_the_new_one_is_killed(tmp_path: Path) -> None:
    first = fit(recipe(), output=tmp_path, progress=False)
    before = {name: content for name, content in contents(tmp_path).items() if name != MARK}
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(tmp_path, True))
    process.start()
    process.join(120)
    assert process.exitcode == 9
    assert not first.checkpoint.exists(), "set aside"
    fit(recipe("epochs=2"), output=tmp_path, resume="last", progress=False)
    after = contents(tmp_path)
    assert set(after) == {*before, MARK}
    assert after["log.csv"].startswith(before["log.csv"])


def test_what_is_left_of_a_run_is_not_cleared_by_the_next(tmp_path: Path) -> None:
    fit(recipe(), output=tmp_path, progress=False)
    (tmp_path / "last.ckpt").unlink()  # to spare space
    before = {name: content for name, content in contents(tmp_path).items() if name != MARK}
    with pytest.raises(InputError, match="holds a run"):
        fit(recipe("seed=1"), output=tmp_path, progress=False)
    with pytest.raises(XnorkitError, match="finite"):
        fit(hot(), output=tmp_path, overwrite=True, progress=False)
    assert {name: content for name, content in contents(tmp_path).items() if name != MARK} == before


def test_files_of_the_user_in_a_run_stay(tmp_path: Path) -> None:
    plain = replace(recipe(), data=replace(recipe().data, selection=0.0))
    fit(plain, output=tmp_path, progress=False)
    (tmp_path / "best.ckpt").write_text("mine: the run writes none")
    with pytest.raises(InputError, match=r"holds best\.ckpt, not its own"):
        fit(recipe(), output=tmp_path, overwrite=True, progress=False)
    fit(replace(plain, seed=1), output=tmp_path, overwrite=True, progress=False)
    assert (tmp_path / "best.ckpt").read_text() == "mine: the run writes none"


def test_runs_of_before_the_mark_are_known(tmp_path: Path) -> None:
    fit(recipe(), output=tmp_path, progress=False)
    (tmp_path / MARK).unlink()
    fit(recipe("epochs=2"), output=tmp_path, resume="last", progress=False)
    (tmp_path / MARK).unlink()
    fit(recipe("seed=1"), output=tmp_path, overwrite=True, progress=False)
    (tmp_path / MARK).unlink()
    (tmp_path / "recipe.yaml").write_text(recipe("seed=5").to_yaml())
    with pytest.raises(InputError, match="not its own"):
        fit(recipe("seed=1"), output=tmp_path, overwrite=True, progress=False)


@pytest.mark.parametrize("options", [{}, {"resume": "last"}, {"overwrite": True}])
def test_a_folder_in_use_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    fit(recipe(), output=tmp_path, progress=False)
    before = contents(tmp_path)
    with OwnedFolder(tmp_path).held():
        during = contents(tmp_path)
        with pytest.raises(InputError, match=r"is in use by process \d+ on .*, but it must be a folder that no other"):
            fit(recipe("epochs=2"), output=tmp_path, progress=False, **options)
        assert contents(tmp_path) == during
    assert contents(tmp_path) == before


def test_no_folder_at_all() -> None:
    with pytest.raises(InputError, match="output='', but it must be a path"):
        fit(recipe(), output="", progress=False)
