"""Stages: what is binary in which, resume over their boundaries, checkpoints, teachers, optimizers."""

import csv
import importlib
from pathlib import Path

import pytest
import torch
from torch import nn

from xnorkit.data import ImageData, Split, create_data
from xnorkit.errors import RecipeError
from xnorkit.models import create_model
from xnorkit.nn import BinaryConv2d
from xnorkit.nn.integer import QuantConv2d, QuantLinear
from xnorkit.ops import BasicInputBinarizer, EDEInputBinarizer, SteHeavisideBinarizer, XNORWeightBinarizer
from xnorkit.optim import Bop, CaseOptimizer
from xnorkit.train import StageSpec, fit, load_checkpoint, load_recipe
from xnorkit.train.load_recipe import recipe_from_dict
from xnorkit.train.module import TrainingModule
from xnorkit.train.stages import StageSwitch, image_side, stage_at

fit_module = importlib.import_module("xnorkit.train.fit")
SIZE = 96


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*args: object, **options: object) -> ImageData:
        data = create_data(*args, **options)
        data.train = Split(data.train.images[:SIZE], data.train.labels[:SIZE])
        data.test = Split(data.test.images[:50], data.test.labels[:50])
        return data

    monkeypatch.setattr(fit_module, "create_data", small)


def staged(**changes: object) -> dict[str, object]:
    fields = load_recipe("lenet5-digits-staged", ["batch_size=48"]).to_dict()
    del fields["epochs"]
    for stage in fields["stages"]:
        stage["epochs"] = 1
    return {**fields, "teacher": None, **changes}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def halves(model: nn.Module, name: str = "block2.conv") -> tuple[bool, bool]:
    layer = model.get_submodule(name)
    return tuple(  # type: ignore[return-value]
        type(getattr(layer, f"{half}_pre_process")) is not nn.Identity for half in ("activation", "weight")
    )


def test_switch() -> None:
    model = create_model("lenet5")
    before = model.get_submodule("block2.conv").weight_pre_process
    stages = [
        StageSpec("float", 2, activations="float", weights="float"),
        StageSpec("half", 3, weights="float", ignore_layers=["_last_"]),
        StageSpec("bwn", 1, activations="float"),
        StageSpec("binary", 1),
    ]
    switch = StageSwitch(model, stages)
    seen = []
    for index in range(4):
        switch.enter(index)
        seen.append((halves(model), halves(model, "block3.linear")))
    both, none = (True, True), (False, False)
    assert seen == [(none, none), ((True, False), none), ((False, True), (False, True)), (both, both)]
    assert model.get_submodule("block2.conv").weight_pre_process is before
    assert [stage_at(stages, e) for e in (0, 1, 2, 4, 5, 6, 9)] == [
        (0, 0),
        (0, 0),
        (1, 2),
        (1, 2),
        (2, 5),
        (3, 6),
        (3, 6),
    ]


def test_a_float_stage_is_the_float_network() -> None:
    model, twin = create_model("lenet5"), create_model("lenet5", binarization="float")
    twin.load_state_dict(model.state_dict())
    StageSwitch(model, [StageSpec("float", 1, activations="float", weights="float")]).enter(0)
    images = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(images), twin(images))


def test_stages_with_binarizers_of_their_own() -> None:
    fields = staged(
        model={"name": "lenet5", "binarization": "float"},
        stages=[
            {"name": "a", "epochs": 1, "pre_activation": {"name": "EDEInputBinarizer", "args": {"t_min": 0.5}},
             "ignore_layers": ["_first_", "_last_"]},
            {"name": "b", "epochs": 1, "weights": "float"},
        ],
    )  # fmt: skip
    model = create_model("lenet5", binarization="float")
    switch = StageSwitch(model, recipe_from_dict(fields, "x").all_stages())
    switch.enter(0)
    layer = model.get_submodule("block2.conv")
    assert isinstance(layer, BinaryConv2d)
    assert isinstance(layer.activation_pre_process, EDEInputBinarizer)
    assert layer.activation_pre_process.t_min == 0.5
    assert type(model.get_submodule("conv1")) is nn.Conv2d
    switch.enter(1)
    assert model.get_submodule("block2.conv") is layer


def test_layers_of_activations_0_and_1() -> None:
    sign = {"name": "BasicInputBinarizer", "args": {"clip": 0.5}}
    fields = staged(
        model={"name": "lenet5", "binarization": "float"},
        stages=[
            {"name": "a", "epochs": 1, "pre_activation": sign, "weight": {"name": "XNORWeightBinarizer"},
             "ignore_layers": ["_first_", "_last_"], "zero_one_layers": ["block3"]},
        ],
    )  # fmt: skip
    recipe = recipe_from_dict(fields, "x")
    assert recipe_from_dict(recipe.to_dict(), "x") == recipe
    model = create_model("lenet5", binarization="float")
    StageSwitch(model, recipe.all_stages()).enter(0)
    conv, linear = model.get_submodule("block2.conv"), model.get_submodule("block3.linear")
    assert isinstance(conv.activation_pre_process, BasicInputBinarizer)
    assert isinstance(linear.activation_pre_process, SteHeavisideBinarizer)
    assert linear.activation_pre_process.clip == 0.5
    assert isinstance(linear.weight_pre_process, XNORWeightBinarizer)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"zero_one_layers": ["block3"]}, "stage 'a': zero_one_layers is given without pre_activation, but"),
        ({"weight": {"name": "XNORWeightBinarizer"}, "zero_one_layers": ["bloc"]}, "'bloc' stands for no layer"),
        ({"ignore_layers": ["block2.con"]}, "stage 'a'.*'block2.con' stands for no layer.*block2.conv"),
        ({"weight": {"name": "XNORWeightBinarize"}}, "stage 'a', weight: .* is not a binarizer.*XNORWeightBinarizer"),
        ({"weight": {"name": "XNORWeightBinarizer", "args": {"alpha": 1}}}, "stage 'a', weight.*compute_alpha"),
        ({"pre_activation": {"name": "BasicInputBinarizer", "args": {"clip": -1}}}, "stage 'a'.*clip"),
    ],
)
def test_wrong_names_in_a_stage(tmp_path: Path, stage: dict[str, object], message: str) -> None:
    recipe = recipe_from_dict(staged(stages=[{"name": "a", "epochs": 1, **stage}]), "x")
    with pytest.raises(RecipeError, match=message):
        fit(recipe, output=tmp_path, progress=False)


def test_binary_stage_of_a_float_model(tmp_path: Path) -> None:
    recipe = recipe_from_dict(staged(model={"name": "lenet5", "binarization": "float"}), "x")
    with pytest.raises(RecipeError, match=r"the model has no binary layer, but it must have one\. Give"):
        fit(recipe, output=tmp_path, progress=False)


@pytest.mark.parametrize("cut", [1, 2, 3], ids=["in stage 1", "at the start of stage 2", "in stage 2"])
def test_killed_and_resumed_equals_uninterrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    stages = [
        {"name": "one", "epochs": 2, "weights": "float", "pre_activation": {"name": "StochasticInputBinarizer"},
         "ignore_layers": ["_first_", "_last_"]},
        {"name": "two", "epochs": 2, "pre_activation": {"name": "EDEInputBinarizer"},
         "weight": {"name": "XNORWeightBinarizer"}, "post_activation": {"name": "BasicScaleBinarizer"},
         "binary_optimizer": {"name": "bop", "lr": 0.1}, "ignore_layers": ["_first_", "_last_"]},
    ]  # fmt: skip
    recipe = recipe_from_dict(staged(stages=stages), "x")
    whole = fit(recipe, output=tmp_path / "whole", progress=False)
    step, steps = TrainingModule.training_step, SIZE // 48

    def broken(self: TrainingModule, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        if self.global_step == cut * steps:
            raise RuntimeError("power failure")
        return step(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", broken)
    with pytest.raises(RuntimeError, match="power failure"):
        fit(recipe, output=tmp_path / "cut", progress=False)
    monkeypatch.setattr(TrainingModule, "training_step", step)
    torch.manual_seed(99)
    stopped, _ = load_checkpoint(tmp_path / "cut/last.ckpt")  # in the stage of its last whole epoch
    assert halves(stopped) == ((True, False) if cut <= 2 else (True, True))
    resumed = fit(recipe, output=tmp_path / "cut", resume="last", progress=False)

    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert [(row["stage"], row["flip_ratio"] == "") for row in rows(tmp_path / "whole")] == [
        ("one", True), ("one", True), ("two", False), ("two", False)
    ]  # fmt: skip
    before, after = (load_checkpoint(r.checkpoint)[0].state_dict() for r in (whole, resumed))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    t = float(before["block2.conv.activation_pre_process.t"])
    assert t == pytest.approx(0.1 * 100**0.5)  # the last epoch begins half-way through the stage


def test_teacher_is_trained_first_and_only_asked_where_it_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    from xnorkit.train.distill import Distillation

    call = Distillation.__call__

    def counted(self: Distillation, *args: object) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(self)
        return call(self, *args)

    monkeypatch.setattr(Distillation, "__call__", counted)
    fields = staged(teacher={"recipe": "lenet5-digits-float", "attention": 1.0, "attention_layers": {"conv1": "conv1"}})
    fields["stages"][1]["teacher"] = False
    short = load_recipe("lenet5-digits-float", ["epochs=1"])
    monkeypatch.setattr(importlib.import_module("xnorkit.train.sources"), "load_recipe", lambda name: short)
    result = fit(recipe_from_dict(fields, "x"), output=tmp_path / "a", progress=False)
    assert len(asked) == 2 * SIZE // 48
    teacher = tmp_path / "a/teacher/last.ckpt"
    assert load_checkpoint(teacher)[1] == short
    assert not any("teacher" in key for key in torch.load(result.checkpoint, weights_only=True)["state_dict"])
    fields["teacher"] = {**fields["teacher"], "recipe": None, "checkpoint": str(teacher)}
    again = fit(recipe_from_dict(fields, "x"), output=tmp_path / "b", progress=False)
    assert (again.loss, again.accuracy) == (result.loss, result.accuracy)
    assert not (tmp_path / "b/teacher").exists()


def test_optimizers_of_a_stage() -> None:
    fields = staged(
        binary_optimizer={"name": "bop", "lr": 0.5, "threshold": 0.25},
        optimizer={"name": "adam", "lr": 0.1, "weight_decay": 0.5},
    )
    fields["stages"][2]["lr"] = 0.125
    module = TrainingModule(recipe_from_dict(fields, "x"), 10, 2)
    assert type(module.configure_optimizers()["optimizer"]) is torch.optim.Adam
    module.switch.enter(2)
    optimizer = module.configure_optimizers()["optimizer"]
    assert isinstance(optimizer, CaseOptimizer)
    bop, rest = optimizer.param_groups
    assert isinstance(optimizer.optimizers[0], Bop)
    assert (bop["threshold"], bop["initial_lr"], rest["initial_lr"], rest["weight_decay"]) == (0.25, 0.5, 0.125, 0.5)

    plain = staged(optimizer={"weight_decay": 0.5, "decay_binary": False})
    module = TrainingModule(recipe_from_dict(plain, "x"), 10, 2)
    module.switch.enter(2)
    groups = module.configure_optimizers()["optimizer"].param_groups
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [(2, 0.0), (10, 0.5)]


def test_eight_bit_ends(tmp_path: Path) -> None:
    ends = {"name": "lenet5", "first_layer": "int8", "last_layer": "int8"}
    recipe = recipe_from_dict({**staged(model=ends), "stages": [], "epochs": 1}, "x")
    result = fit(recipe, output=tmp_path, progress=False)
    model, _ = load_checkpoint(result.checkpoint)
    conv = model.get_submodule("conv1")
    assert isinstance(conv, QuantConv2d)
    assert isinstance(model.get_submodule("classifier"), QuantLinear)
    data = create_data("digits")
    torch.testing.assert_close(conv.input_quantizer.mean.flatten(), torch.tensor(data.mean))
    torch.testing.assert_close(conv.input_quantizer.std.flatten(), torch.tensor(data.std))
    prepared = staged(model=ends)
    prepared["stages"][0]["pre_activation"] = {"name": "BasicInputBinarizer"}
    with pytest.raises(RecipeError, match="float if a stage has binarizers"):
        recipe_from_dict(prepared, "x")


def test_center_weights(tmp_path: Path) -> None:
    fields = {**staged(center_weights=True), "stages": [], "epochs": 1}
    model, _ = load_checkpoint(fit(recipe_from_dict(fields, "x"), output=tmp_path, progress=False).checkpoint)
    layer = model.get_submodule("block2.conv")
    assert isinstance(layer.weight_pre_process, XNORWeightBinarizer)
    assert float(layer.weight.detach().mean(1).abs().max()) < 1e-6


def test_small_images_come_first_and_whole_ones_last() -> None:
    spec = StageSpec("", 10, sizes={16: 0.3, 24: 0.25})
    assert [image_side(spec, epoch) for epoch in range(10)] == [16] * 3 + [24] * 3 + [None] * 4
    assert image_side(StageSpec("", 10), 0) is None


def test_training_sees_the_sizes_of_its_stage_and_evaluation_whole_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, int]] = []
    forward = TrainingModule.forward

    def look(self: TrainingModule, images: torch.Tensor) -> torch.Tensor:
        seen.append((self.training, images.shape[-1]))
        return forward(self, nn.functional.interpolate(images, (28, 28)))  # LeNet-5 takes no other size

    monkeypatch.setattr(TrainingModule, "forward", look)
    fit(load_recipe("lenet5-digits", ["sizes.14=0.5", "epochs=2", "batch_size=48"]), output=tmp_path / "run")
    assert {side for training, side in seen if not training} == {28}
    assert [side for training, side in seen if training] == [14, 14, 28, 28]


@pytest.mark.parametrize("sizes", [{0: 0.5}, {16: 0.0}, {16: 0.6, 24: 0.5}])
def test_wrong_sizes_are_refused(sizes: dict[int, float]) -> None:
    with pytest.raises(RecipeError, match="sides of at least 1 pixel"):
        load_recipe("lenet5-digits", [f"sizes.{side}={share}" for side, share in sizes.items()])
