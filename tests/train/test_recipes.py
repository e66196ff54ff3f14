"""Recipes: all of the package load, overrides are typed, mistakes are named."""

from pathlib import Path

import pytest

from xnorkit.errors import RecipeError
from xnorkit.train import list_recipes, load_recipe
from xnorkit.train.load_recipe import recipe_from_dict

MINIMAL = "name: mine\nmodel: {name: lenet5}\ndata: {name: digits}\n"


def test_names() -> None:
    names = list_recipes()
    assert names == sorted(names)
    assert {"lenet5-digits", "nin-cifar10", "resnet18-cifar10-react", "alexnet-imagenet-seed"} <= set(names)


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_survives_its_own_yaml(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert recipe_from_dict(recipe.to_dict(), "copy") == recipe
    (tmp_path / "copy.yaml").write_text(recipe.to_yaml())
    assert load_recipe(tmp_path / "copy.yaml") == recipe


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
        ("epoch=3", "the field 'epoch' is unknown.*epochs"),
        ("optimizer.learning_rate=3", "the field 'optimizer.learning_rate' is unknown"),
        ("optimizer.lrr=3", "the field 'optimizer.lrr' is unknown.*optimizer.lr"),
        ("epochs=many", "epochs.*many"),
        ("epochs=2.5", "epochs"),
        ("epochs=true", "epochs=True, but it must be a whole number"),
        ("sizes.a=0.4", r"sizes\.a=a, but it must be a whole number"),
        (
            "optimizer={lr: much, lrr: 1}",
            r"optimizer\.lr=much, but it must be a number\. Also: .*optimizer\.lrr",
        ),
        ("epochs=0", "epochs=0, but it must be at least 1"),
        ("batch_size=1", "batch_size=1, but it must be at least 2"),
        ("optimizer.lr=.nan", "optimizer.lr=nan, but it must"),
        ("optimizer.lr=-1", "optimizer.lr=-1"),
        ("label_smoothing=1", "label_smoothing=1"),
        ("accumulate=3", "accumulate=3, but it must be a divisor of batch_size=64"),
        ("clip_gradient=-1", "clip_gradient=-1"),
        ("ema_decay=1", "ema_decay=1.0, but it must be at least 0 and below 1"),
        ("swa.start=1", r"swa\.start=1\.0, but it must be at least 0 and below 1"),
        ("swa=0.75", "swa=0.75, but it must be a section of the fields start"),
        ("precision=fp16", "precision=fp16, but it must be one of '32-true', 'bf16-mixed' or '16-mixed'"),
        ("schedule.name=milestones", r"milestones=\[\], but it must be epochs"),
        ("schedule.milestones=[3]", "and empty with another"),
        ("schedule={name: milestones, milestones: [5, 3]}", "rising epochs"),
        (
            "schedule={name: one-cycle, warmup_epochs: 1}",
            "0 with the schedule 'one-cycle', whose warm-up is warmup_share",
        ),
        ("schedule={name: one-cycle, warmup_share: 1}", r"schedule\.warmup_share=1\.0, but it must be above 0 and"),
        ("schedule={name: one-cycle, start_factor: 0}", r"schedule\.start_factor=0\.0, but it must be above 0"),
        ("schedule={name: one-cycle, final_factor: 2}", r"schedule\.final_factor=2\.0, but it must be from 0 to 1"),
        ("schedule.final_factor=0.1", r"final_factor=0\.1, but it must be left out without the schedule 'one-cycle'"),
        ("optimizer.nesterov=true", "false unless the optimizer is sgd"),
        ("data.selection=1", "data.selection=1.0, but it must be at least 0 and below 1"),
        ("model.options=3", "model.options=3, but it must be a mapping"),
        ("seed={a: 1, a: 2}", "'a' stands twice"),
        ("data.shift=-1", "data.shift=-1, but it must be at least 0"),
        ("seed=-1", "seed=-1"),
        ("optimizer.name=sdg", "optimizer.name.*sgd"),
        ("model=lenet5", "model"),
        ("epochs.more=5", "'epochs' has no fields"),
        ("epochs", "must be key=value"),
        ("=3", "must be key=value"),
        ("epochs=[", r'not YAML .*in "epochs", line 1'),
    ],
)
def test_bad_overrides(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("lenet5-digits", [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "holds a list, but it must hold a mapping"),
        ("a: b: c", r'cannot be read \(.* in "\S+bad\.yaml", line 1'),
        ("name: \x07", r'cannot be read \(.* in "\S+bad\.yaml", position 6'),
        (MINIMAL + "seed: 1\nseed: 2\n", r"'seed' stands twice in \"\S+bad\.yaml\", line"),
        ("name: x\nmodel: {name: a, name: b}\ndata: {name: digits}\n", "'name' stands twice"),
        ("name: x\ndata: {name: digits}\n", "model"),
        ("name: x\nmodel: {}\ndata: {name: digits}\n", "model.name"),
        (MINIMAL + "extra: 1\n", "the field 'extra' is unknown"),
        (MINIMAL + "2001-01-01: 1\n", "but names and texts must be of whole letters"),
        (MINIMAL + 'description: "\\ud800"\n', "but names and texts must be of whole letters"),
        (MINIMAL + f"stages: {'[' * 300}{']' * 300}\n", "nests too deeply"),
        (MINIMAL + "optimizer: {lr: '0.1'}\n", r"optimizer\.lr=0\.1, but it must be a number"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_recipe(path)


def test_unknown_names() -> None:
    with pytest.raises(RecipeError, match=r"'lenet5-digit' is neither a recipe nor .* names: lenet5-digits"):
        load_recipe("lenet5-digit")
    with pytest.raises(RecipeError, match=r"absent\.yaml cannot be read"):
        load_recipe("absent.yaml")
