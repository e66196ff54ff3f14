"""Fields of staged recipes: defaults, overrides, and a wrong value for each."""

import pytest

from xnorkit.errors import RecipeError
from xnorkit.train import OptimizerSpec, ScheduleSpec, StageSpec, load_recipe
from xnorkit.train.load_recipe import recipe_from_dict

BASE = {"name": "x", "model": {"name": "lenet5"}, "data": {"name": "digits"}}


def test_the_recipe_of_the_package() -> None:
    recipe = load_recipe("lenet5-digits-staged", ["stages.2.epochs=7"])
    assert [(s.activations, s.weights, s.epochs) for s in recipe.stages] == [
        ("float", "float", 10), ("binary", "float", 10), ("binary", "binary", 7)
    ]  # fmt: skip
    assert recipe.epochs == 27
    assert recipe.teacher is not None
    assert recipe.teacher.recipe == "lenet5-digits-float"
    assert recipe_from_dict(recipe.to_dict(), "copy") == recipe


def test_defaults_of_a_stage() -> None:
    fields = {
        **BASE,
        "optimizer": {"lr": 0.5, "weight_decay": 0.25},
        "binary_optimizer": {"name": "bop"},
        "stages": [
            {"name": "a", "epochs": 1, "lr": 0.125, "schedule": {"name": "step"}},
            {"name": "b", "epochs": 2, "optimizer": {"name": "sgd", "lr": 1e-3}, "weight_decay": 0.0},
        ],
    }
    a, b = recipe_from_dict(fields, "x").all_stages()
    bop = OptimizerSpec("bop")
    assert (a.optimizer, a.binary_optimizer) == (OptimizerSpec("adam", 0.125, 0.25), bop)
    assert a.schedule == ScheduleSpec("step")
    assert (b.optimizer, b.binary_optimizer, b.schedule) == (OptimizerSpec("sgd", 0.001), bop, ScheduleSpec())
    (single,) = recipe_from_dict({**BASE, "epochs": 3}, "x").all_stages()
    assert single == StageSpec("", 3, optimizer=OptimizerSpec(), schedule=ScheduleSpec())


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stages.0.epochs=0", r"stages.0.epochs=0, but it must be at least 1"),
        ("stages.0.epochs=many", "epochs.*many"),
        ("stages.0.activations=bin", "activations.*float"),
        ("stages.0.weights=1", "weights.*float"),
        ("stages.0.name=binary", r"stages=\['binary', 'binary activations', 'binary'\], but it must be a name for"),
        ("stages.0.name=''", "but it must be a name for each"),
        ("stages.0.lr=0", r"stages.0.optimizer.lr=0.*positive"),
        ("stages.0.weight_decay=-1", r"stages.0.optimizer.weight_decay=-1"),
        ("stages.0.optimizer.name=bop", r"stages.0.optimizer.name=bop, but it must be adam, adamw or sgd"),
        ("stages.0.optimizer.lrr=1", r"the field 'stages.0.optimizer.lrr' is unknown"),
        ("stages.0.binary_optimizer.name=bob", "bob"),
        ("stages.0.schedule.gamma=2", r"stages.0.schedule.gamma=2"),
        ("stages.0.ignore_layers=conv1", "ignore_layers.*list"),
        ("stages.0.teacher=maybe", "teacher=maybe, but it must be true or false"),
        ("stages.0.pre_activation.name=3.5", "pre_activation"),
        ("stages.0.post_activation.args=3", "post_activation"),
        ("stages.0.weight=XNORWeightBinarizer", "weight"),
        (
            "stages.0.activation=binary",
            r"the field 'stages.0.activation' is unknown, but it must be a known one, as stages.0.activations",
        ),
        ("stages.9.epochs=1", r"'9' is not an entry, but it must be from 0 to 2"),
        ("stages.0=1", "replaces a whole entry"),
        ("stages=3", "stages.*list"),
        ("epochs=3", r"epochs=3, but it must be 50, the sum of its stages"),
        ("binary_optimizer.lr=0", r"binary_optimizer.lr=0"),
        ("binary_optimizer.threshold=-1", r"binary_optimizer.threshold=-1"),
        ("binary_optimizer={name: bop, lr: 2}", "at most 1 with bop"),
        ("binary_optimizer={name: bop, weight_decay: 1}", "0 with bop"),
        ("optimizer.name=bop", r"optimizer.name=bop, but it must be adam, adamw or sgd"),
        ("optimizer.decay_binary=3", "decay_binary"),
        ("model.first_layer=int4", "first_layer.*int8"),
        ("model.last_layer=3", "last_layer.*int8"),
        ("center_weights=3", "center_weights"),
        ("teacher.checkpoint=a.ckpt", "either a checkpoint or a recipe"),
        ("teacher.recipe=null", "either a checkpoint or a recipe"),
        ("teacher.recipe=[1]", "teacher"),
        ("teacher.weight=1.5", r"teacher.weight=1.5, but it must be from 0 to 1"),
        ("teacher.temperature=0", r"teacher.temperature=0"),
        ("teacher.attention=-1", r"teacher.attention=-1"),
        ("teacher.attention=1", r"teacher.attention_layers={}, but it must be layers if attention is above 0"),
        ("teacher.attention_layers=[conv1]", "attention_layers"),
        ("teacher.temprature=1", r"the field 'teacher.temprature' is unknown.*teacher.temperature"),
    ],
)
def test_wrong_values(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("lenet5-digits-staged", [override])
