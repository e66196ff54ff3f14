"""Which interval latent weights are kept in, across runs, old checkpoints and published weights of +1 and -1."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from xnorkit.data import ImageData, Split, create_data
from xnorkit.optim import split_parameters
from xnorkit.train import Recipe, fit, list_recipes, load_checkpoint, load_recipe
from xnorkit.train.checkpoint import KEY, write_weights
from xnorkit.train.sources import load_pretrained

fit_module = importlib.import_module("xnorkit.train.fit")


def small(*args: object, **options: object) -> ImageData:
    data = create_data(*args, **options)
    data.train = Split(data.train.images[:96], data.train.labels[:96])
    data.test = Split(data.test.images[:20], data.test.labels[:20])
    return data


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, "create_data", small)


def recipe(**changes: object) -> Recipe:
    fast = ["batch_size=48", "optimizer.lr=0.5", "schedule.name=constant"]
    return replace(load_recipe("lenet5-digits", fast), **changes)


def train(made: Recipe, folder: Path, resume: str | None = None) -> dict[str, torch.Tensor]:
    fit(made, output=folder, progress=False, resume=resume)
    return load_checkpoint(folder / "last.ckpt")[0].state_dict()


def test_recipes_of_the_seeds_keep_their_rule() -> None:
    closed = {name for name in list_recipes() if load_recipe(name).clamp == "closed"}
    assert closed == {name for name in list_recipes() if "seed" in name and not name.endswith("-float")}


@pytest.mark.parametrize(("clamp", "bound"), [("open", 1 - 2**-24), ("closed", 1.0)])
def test_runs_keep_to_it(clamp: str, bound: float, tmp_path: Path) -> None:
    state = train(recipe(epochs=1, clamp=clamp), tmp_path / "run")
    assert state["block3.linear.weight"].abs().max() == bound


def test_a_checkpoint_from_before_the_field_goes_on_as_it_was(tmp_path: Path) -> None:
    whole = train(recipe(epochs=2, clamp="closed"), tmp_path / "whole")
    part = tmp_path / "part"
    train(recipe(epochs=1, clamp="closed"), part)
    content = torch.load(part / "last.ckpt", weights_only=False)
    del content[KEY]["recipe"]["clamp"]
    torch.save(content, part / "last.ckpt")
    resumed = train(recipe(epochs=2), part, resume="last")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert load_checkpoint(part / "last.ckpt")[1].clamp == "closed"


def test_published_weights_of_one_can_move(tmp_path: Path) -> None:
    made = recipe()
    model, path = module_of(made), tmp_path / "published.ckpt"
    with torch.no_grad():
        for w in split_parameters(model)[0]:
            w.copy_(torch.where(w >= 0, 1.0, -1.0))
    write_weights(path, model, made, 10)
    start = module_of(made)
    load_pretrained(start, path)
    for before, w in zip(split_parameters(model)[0], split_parameters(start)[0], strict=True):
        assert torch.equal(before.sign(), w.sign())
        assert (w.abs() < 1).all()
    process = start.block3.linear.weight_pre_process
    process.factors(start.block3.linear.weight)[0].sum().backward()
    assert (start.block3.linear.weight.grad == 1).all()


def module_of(made: Recipe) -> torch.nn.Module:
    from xnorkit.train.stages import build_model

    return build_model(made, 10)
