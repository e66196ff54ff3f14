"""Both plans hold every experiment, name only what exists, and grow in cost."""

from collections import Counter
from pathlib import Path

import pytest

from xnorkit.errors import InputError
from xnorkit.models import binarizations
from xnorkit.report.records import EXPERIMENTS
from xnorkit.report.study import PLANS, Study, steps_of
from xnorkit.report.study.kernels import formula_speedup
from xnorkit.report.study.plan import Plan
from xnorkit.report.study.sizes import vgg19_counts
from xnorkit.report.study.variants import ABLATION, GRADIENTS, recipe_of
from xnorkit.train import load_recipe

MODES = pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))


@MODES
def test_every_experiment_is_in_both_modes(plan: Plan, tmp_path: Path) -> None:
    blanks = [record for step in steps_of(Study(plan, tmp_path)) for record in step.blanks]
    assert {record.experiment for record in blanks} == set(EXPERIMENTS)
    assert max(Counter(record.id for record in blanks).values()) == 1
    assert all(record.command and record.reason and record.status == "not run" for record in blanks)


@MODES
def test_runs_are_what_their_recipes_say(plan: Plan) -> None:
    for spec in plan.runs:
        recipe = load_recipe(spec.recipe, spec.overrides)
        assert (recipe.data.name, recipe.model.name, recipe.model.binarization) == (
            spec.dataset,
            spec.model,
            spec.family,
        )
    assert len({spec.name for spec in plan.runs}) == len(plan.runs)
    assert all(plan.spec(key).deployed for key in plan.pictures)
    with pytest.raises(InputError, match="it must be one of"):
        plan.spec("mnist/lenet5/react")


@MODES
def test_networks_offer_their_families(plan: Plan) -> None:
    assert all(family in binarizations(model) for model, family in plan.memory)


def test_full_has_what_the_headline_shows() -> None:
    models = {entry.model for entry in PLANS["full"].inference}
    assert models == {"lenet5", "nin-cifar10", "resnet18-cifar10", "alexnet", "resnet18"}
    assert PLANS["full"].lenet_channels == (10, 30, 50, 128, 512, 1024)
    assert PLANS["full"].lenet_filters == tuple(range(1, 9))
    assert (PLANS["full"].channels[0], PLANS["full"].channels[-1]) == (1, 1024)
    assert (PLANS["full"].filters[0], PLANS["full"].filters[-1]) == (1, 20)


def test_quick_is_expected_to_take_less_than_three_minutes(tmp_path: Path) -> None:
    assert sum(step.seconds for step in steps_of(Study(PLANS["quick"], tmp_path))) < 180


def test_only(tmp_path: Path) -> None:
    steps = steps_of(Study(PLANS["quick"], tmp_path), ["filter", "peaks"])
    assert {record.experiment for step in steps for record in step.blanks} == {"filter", "peaks"}
    with pytest.raises(InputError, match=r"experiment 'filters', but experiments must be among .*filter"):
        steps_of(Study(PLANS["quick"], tmp_path), ["filters"])


@pytest.mark.parametrize(
    ("channels", "kernel", "speedup"),
    [(1, 3, 7.89), (3, 3, 18.99), (256, 3, 62.27), (1024, 3, 63.56), (256, 1, 51.2), (256, 20, 63.96)],
)
def test_formula_is_that_of_the_paper(channels: int, kernel: int, speedup: float) -> None:
    assert formula_speedup(channels, kernel) == pytest.approx(speedup, abs=0.005)


def test_vgg19_has_its_published_number_of_parameters() -> None:
    params, binary = vgg19_counts()
    assert params == 143_667_240
    assert params - binary == 9 * 3 * 64 + 4096 * 1000 + (64 * 2 + 128 * 2 + 256 * 4 + 512 * 8) + 4096 * 2 + 1000


def test_variants_differ_in_one_stage_alone(tmp_path: Path) -> None:
    study = Study(PLANS["quick"], tmp_path)
    recipes = [recipe_of(study, v, "x", 3) for v in [*GRADIENTS.values(), *ABLATION.values()]]
    assert {recipe.epochs for recipe in recipes} == {PLANS["quick"].variants.epochs}
    assert {recipe.seed for recipe in recipes} == {3}
    stages = [recipe.stages[0] for recipe in recipes]
    assert len({str(stage) for stage in stages}) == len(stages)
    assert all(stage.ignore_layers == ["_first_", "_last_"] for stage in stages)
    assert GRADIENTS["exact"].weight.args == {"gradient": "exact"}
