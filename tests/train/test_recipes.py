"""Recipes: all of the package load, overrides are typed, mistakes are named."""

from pathlib import Path

import pytest

from xnorkit.data import list_data
from xnorkit.errors import RecipeError
from xnorkit.models import create_model
from xnorkit.train import list_recipes, load_recipe
from xnorkit.train.load_recipe import recipe_from_dict

MINIMAL = "name: mine\nmodel: {name: lenet5}\ndata: {name: digits}\n"


def test_names() -> None:
    assert list_recipes() == [
        "lenet5-digits",
        "lenet5-digits-float",
        "lenet5-digits-staged",
        "lenet5-mnist",
        "lenet5-mnist-float",
    ]


@pytest.mark.parametrize("name", list_recipes())
def test_recipes_of_the_package(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.data.name in list_data()
    assert recipe.model.binarization == ("float" if name.endswith("float") else "xnor")
    create_model(recipe.model.name, binarization=recipe.model.binarization)
    assert recipe_from_dict(recipe.to_dict(), "copy") == recipe


def test_twins_differ_only_where_they_must() -> None:
    for data in ("digits", "mnist"):
        xnor, twin = load_recipe(f"lenet5-{data}").to_dict(), load_recipe(f"lenet5-{data}-float").to_dict()
        different = {key for key in xnor if xnor[key] != twin[key]}
        assert different <= {"name", "description", "model", "optimizer", "epochs"}


def test_file_with_defaults_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL)
    plain = load_recipe(path)
    assert (plain.epochs, plain.optimizer.lr, plain.schedule.name) == (20, 0.01, "cosine")
    changed = load_recipe(path, ["epochs=3", "optimizer.lr=1e-3", "schedule.name=step", "model.binarization=float"])
    assert (changed.epochs, changed.optimizer.lr, changed.schedule.name) == (3, 0.001, "step")
    assert changed.model.binarization == "float"
    assert load_recipe(str(path)) == plain


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epoch=3", "unknown field 'epoch'.*epochs"),
        ("optimizer.learning_rate=3", "unknown field 'optimizer.learning_rate'"),
        ("optimizer.lrr=3", "unknown field 'optimizer.lrr'.*optimizer.lr"),
        ("epochs=many", "epochs.*many"),
        ("epochs=2.5", "epochs"),
        ("epochs=true", "epochs"),
        ("epochs=0", "epochs=0; required: at least 1"),
        ("batch_size=1", "batch_size=1; required: at least 2"),
        ("optimizer.lr=.nan", "optimizer.lr=nan; required"),
        ("optimizer.lr=-1", "optimizer.lr=-1"),
        ("label_smoothing=1", "label_smoothing=1"),
        ("data.shift=-1", "data.shift=-1; required: at least 0"),
        ("seed=-1", "seed=-1"),
        ("optimizer.name=sdg", "optimizer.name.*sgd"),
        ("model=lenet5", "model"),
        ("epochs.more=5", "'epochs' has no fields"),
        ("epochs", "required: key=value"),
        ("=3", "required: key=value"),
        ("epochs=[", "not YAML"),
    ],
)
def test_bad_overrides(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("lenet5-digits", [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "holds a list; required: a mapping"),
        ("a: b: c", "cannot be read"),
        ("name: x\ndata: {name: digits}\n", "model"),
        ("name: x\nmodel: {}\ndata: {name: digits}\n", "model.name"),
        (MINIMAL + "extra: 1\n", "unknown field 'extra'"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_recipe(path)


def test_unknown_names() -> None:
    with pytest.raises(RecipeError, match="unknown recipe 'lenet5-digit'; near or known names: lenet5-digits"):
        load_recipe("lenet5-digit")
    with pytest.raises(RecipeError, match=r"absent\.yaml cannot be read"):
        load_recipe("absent.yaml")
