"""Parameter groups: which parameters a rule is for, what it changes, with stages and a second optimizer."""

import importlib
from pathlib import Path

import pytest
import torch

from xnorkit.data import ImageData, Split, create_data
from xnorkit.errors import RecipeError
from xnorkit.models import create_model
from xnorkit.optim import CaseOptimizer, split_parameters
from xnorkit.train import GroupSpec, OptimizerSpec, fit, load_checkpoint, load_recipe
from xnorkit.train.module import TrainingModule
from xnorkit.train.optimizers import check_groups, make_model_optimizer, parameter_groups

fit_module = importlib.import_module("xnorkit.train.fit")


def matched(match: str) -> set[str]:
    """The names of LeNet-5's parameters that a rule gives no weight decay."""
    model = create_model("lenet5")
    spec = OptimizerSpec("sgd", lr=0.5, weight_decay=0.25, groups=[GroupSpec(match, weight_decay=0.0)])
    names = {id(p): name for name, p in model.named_parameters()}
    groups = parameter_groups(spec, model, model.parameters())
    assert {group["lr"] for group in groups} == {0.5}
    assert sorted(id(p) for group in groups for p in group["params"]) == sorted(names)
    return {names[id(p)] for group in groups if group["weight_decay"] == 0 for p in group["params"]}


def test_what_a_rule_is_for() -> None:
    model = create_model("lenet5")
    names = [name for name, _ in model.named_parameters()]
    latent = {id(p) for p in split_parameters(model)[0]}
    assert matched("batchnorm") == {n for n in names if "bn" in n} != set()
    assert matched("bias") == {n for n in names if n.endswith(".bias")}
    assert matched("binary") == {n for n, p in model.named_parameters() if id(p) in latent} != set()
    assert matched("block2") == {n for n in names if n.startswith("block2.")}
    assert matched("block2.conv.weight") == {"block2.conv.weight"}
    assert matched("$conv.*weight$") == {n for n in names if "conv" in n and n.endswith("weight")}
    assert matched("_first_") == {"conv1.weight", "conv1.bias"} & set(names)
    assert matched("_last_") == {"classifier.weight", "classifier.bias"}
    assert matched("nothing") == set()


def test_the_last_rule_that_names_a_number_counts() -> None:
    model = create_model("lenet5")
    rules = [GroupSpec("batchnorm", weight_decay=0.0), GroupSpec("bias", lr_factor=64.0), GroupSpec("_last_", 2.0, 0.5)]
    spec = OptimizerSpec("adamw", lr=0.01, weight_decay=0.25, decay_binary=False, groups=rules)
    optimizer = make_model_optimizer(spec, None, model)
    assert isinstance(optimizer, torch.optim.AdamW)
    names = {id(p): name for name, p in model.named_parameters()}
    found = {names[id(p)]: (g["lr"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}
    assert found.keys() == set(names.values())
    assert found["conv1.weight"] == (0.01, 0.25)
    assert found["block2.conv.weight"] == (0.01, 0.0), "decay_binary: false"
    assert found["block2.bn.weight"] == (0.01, 0.0)
    assert found["block2.bn.bias"] == (0.64, 0.0)
    assert found["classifier.bias"] == found["classifier.weight"] == (0.02, 0.5)
    first = optimizer.param_groups[0]
    assert (first["lr"], first["weight_decay"]) == (0.01, 0.25), "the log shows the rate of the first group"


def test_two_optimizers_and_stages() -> None:
    fields = [
        "teacher=null",
        "optimizer={name: sgd, lr: 0.5, weight_decay: 0.25, groups: [{match: batchnorm, weight_decay: 0}]}",
        "binary_optimizer={name: bop, lr: 0.25, groups: [{match: block3, lr_factor: 2}]}",
    ]
    recipe = load_recipe("lenet5-digits-staged", fields)
    check_groups(recipe, 10)
    module = TrainingModule(recipe, 10, 2)
    plain = module.configure_optimizers()["optimizer"]
    assert [(g["initial_lr"], g["weight_decay"]) for g in plain.param_groups] == [(0.5, 0.25), (0.5, 0.0)]
    module.switch.enter(2)  # with lr=0.01
    both = module.configure_optimizers()["optimizer"]
    assert isinstance(both, CaseOptimizer)
    assert [g["initial_lr"] for g in both.param_groups] == [0.25, 0.5, 0.01, 0.01]
    assert [g["weight_decay"] for g in both.optimizers[1].param_groups] == [0.25, 0.0]
    assert sum(len(g["params"]) for g in both.param_groups) == len(list(module.model.parameters()))


def test_a_rule_for_binary_weights_may_match_in_some_stages_alone() -> None:
    rules = "optimizer.groups=[{match: binary, lr_factor: 2}]"
    check_groups(load_recipe("lenet5-digits-staged", [rules]), 10)
    with pytest.raises(RecipeError, match=r"optimizer\.groups: match='binary' stands for no parameter that optimizer"):
        check_groups(load_recipe("lenet5-digits-float", [rules]), 10)
    with pytest.raises(RecipeError, match="stands for no parameter that optimizer trains"):
        check_groups(load_recipe("lenet5-digits", [rules, "binary_optimizer={name: bop, lr: 0.1}"]), 10)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{match: bias}", "given lr_factor or weight_decay as well"),
        ("{match: bias, lr_factor: 0}", r"optimizer\.groups\.0\.lr_factor=0\.0, but it must be a positive number"),
        ("{match: bias, weight_decay: -1}", r"groups\.0\.weight_decay=-1\.0, but it must be at least 0"),
        ("{match: '$[$', lr_factor: 2}", r"groups\.0\.match=\$\[\$, but it must be a name, or \$regex\$"),
        ("{match: '', lr_factor: 2}", r"groups\.0\.match=, but it must be"),
        ("{lr_factor: 2}", r"optimizer\.groups\.0\.match is missing"),
        ("{match: bias, lr: 2}", "the field 'optimizer.groups.0.lr' is unknown.*lr_factor"),
    ],
)
def test_wrong_rules(rule: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("lenet5-digits", [f"optimizer.groups=[{rule}]"])


def test_bop_takes_a_factor_and_no_decay() -> None:
    bop = "binary_optimizer={{name: bop, lr: 0.5, groups: [{{match: block2, {}}}]}}"
    with pytest.raises(RecipeError, match="at most 1/lr with bop"):
        load_recipe("lenet5-digits", [bop.format("lr_factor: 3")])
    with pytest.raises(RecipeError, match=r"weight_decay=0\.1, but it must be 0 or left out with bop"):
        load_recipe("lenet5-digits", [bop.format("weight_decay: 0.1")])


def test_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factor of 1e-12 holds a layer still, over a resumption too; a wrong name stops the run before its teacher's."""

    def small(*args: object, **options: object) -> ImageData:
        data = create_data(*args, **options)
        data.train = Split(data.train.images[:96], data.train.labels[:96])
        data.test = Split(data.test.images[:50], data.test.labels[:50])
        return data

    monkeypatch.setattr(fit_module, "create_data", small)
    held = ["batch_size=48", "schedule.name=constant", "optimizer.groups=[{match: conv1, lr_factor: 1e-12}]"]
    whole = fit(load_recipe("lenet5-digits", [*held, "epochs=2"]), output=tmp_path / "whole", progress=False)
    fit(load_recipe("lenet5-digits", [*held, "epochs=1"]), output=tmp_path / "cut", progress=False)
    again = load_recipe("lenet5-digits", [*held, "epochs=2"])
    resumed = fit(again, output=tmp_path / "cut", resume="last", progress=False)
    after = load_checkpoint(resumed.checkpoint)[0].state_dict()
    same = load_checkpoint(whole.checkpoint)[0].state_dict()
    assert all(torch.equal(after[name], same[name]) for name in same)
    torch.manual_seed(again.seed)
    before = TrainingModule(again, 10, 2).model.state_dict()
    torch.testing.assert_close(after["conv1.weight"], before["conv1.weight"], rtol=0, atol=1e-9)
    assert not torch.allclose(after["classifier.weight"], before["classifier.weight"], atol=1e-4)

    wrong = load_recipe("lenet5-digits-staged", ["optimizer.groups=[{match: con1, lr_factor: 2}]"])
    with pytest.raises(RecipeError, match=r"match='con1' stands for no parameter.* Near or known names: conv1"):
        fit(wrong, output=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
