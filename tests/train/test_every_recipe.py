"""Every recipe of the package takes a training step, on generated data in the official formats."""

import sys
from dataclasses import replace
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from xnorkit.data import ImageData, Split, create_data, list_data
from xnorkit.models import binarizations
from xnorkit.train import Hardware, Recipe, fit, list_recipes, load_recipe

sys.path.append(str(Path(__file__).parents[1] / "data"))
make_data = import_module("make_data")
fit_module = import_module("xnorkit.train.fit")

TINY = {"imagenet": 64}  # side of photographs, where the network is not made for one size
FIXED_SIZE = ("alexnet", "nin")
IMAGES = 8


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of data sets, made when they are first asked for."""

    class Made(dict[str, Path]):
        def __missing__(self, name: str) -> Path:
            self[name] = make_data.make(name, tmp_path_factory.mktemp(name))
            return self[name]

    return Made()


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(*args: object, **options: object) -> ImageData:
        data = create_data(*args, **options)
        for part in ("train", "test"):
            if isinstance(split := getattr(data, part, None), Split):
                setattr(data, part, Split(split.images[:IMAGES], split.labels[:IMAGES]))
        return data

    monkeypatch.setattr(fit_module, "create_data", few)


def shrunk(name: str) -> Recipe:
    recipe = load_recipe(name, ["batch_size=4", "accumulate=1"])
    side = TINY.get(recipe.data.name)
    if side and not recipe.model.name.startswith(FIXED_SIZE):
        recipe = replace(recipe, data=replace(recipe.data, image_size=side))
    return replace(recipe, teacher=None)  # test_stages trains one


@pytest.mark.parametrize("name", list_recipes())
def test_one_step(name: str, official: dict[str, Path], tmp_path: Path) -> None:
    recipe = shrunk(name)
    root = official[recipe.data.name]
    result = fit(recipe, output=tmp_path / "run", data_root=root, progress=False, hardware=Hardware(fast_dev_run=True))
    assert torch.isfinite(torch.tensor(result.loss))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", list_recipes())
def test_header_and_names(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.data.name in list_data()
    assert recipe.model.binarization in binarizations(recipe.model.name)
    assert (recipe.model.binarization == "float") == name.endswith("-float")
    if recipe.teacher is not None and recipe.teacher.recipe is not None:
        assert load_recipe(recipe.teacher.recipe).teacher is None
    lines = files("xnorkit").joinpath("recipes", f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# xnorkit train {name}")
    header = " ".join(line for line in lines if line.startswith("#"))
    assert "Top-1 reached:" in header or "Not run yet" in header or "Not trained to the end" in header


def test_twins_differ_only_where_they_must() -> None:
    for name in (
        "lenet5-digits",
        "lenet5-mnist",
        "lenet5-mnist-seed",
        "resnet18-cifar10-seed",
        "alexnet-imagenet-seed",
    ):
        xnor, twin = load_recipe(name).to_dict(), load_recipe(f"{name}-float").to_dict()
        different = {key for key in xnor if xnor[key] != twin[key]}
        assert different <= {"name", "description", "model", "optimizer", "epochs", "center_weights", "clamp"}
