"""A recipe that names a model, a binarization, a data set and an optimizer of the user's own, and objects for `fit`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit import BConfig, BinaryConv2d
from xnorkit.app.evaluate import evaluate_file
from xnorkit.app.export import export_checkpoint
from xnorkit.data import DataOptions, MemoryData, Split, repair_torchvision
from xnorkit.errors import InputError, RecipeError
from xnorkit.models import create_model
from xnorkit.ops import BasicInputBinarizer, SignWeightBinarizer
from xnorkit.train import fit, fit_seeds, load_checkpoint, load_recipe

repair_torchvision()
from lightning.pytorch import Callback  # noqa: E402
from lightning.pytorch.loggers import CSVLogger  # noqa: E402

MODULE = '''
"""What a user has."""
import numpy as np
import torch
from torch import nn

from xnorkit import BConfig
from xnorkit.data import DataOptions, MemoryData, Split
from xnorkit.ops import ApproxSignBinarizer, BWNWeightBinarizer, SignWeightBinarizer


class Net(nn.Sequential):
    """Three layers, of which a recipe may binarize the inner one."""

    input_shape = (1, 8, 8)

    def __init__(self, num_classes, width=8):
        super().__init__(
            nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, width, 3), nn.Flatten(),
            nn.Linear(width * 16, num_classes),
        )


class Stripes(MemoryData):
    """Horizontal or vertical stripes."""

    def __init__(self, root, options):
        images = np.random.default_rng(0).integers(0, 60, (64, 1, 8, 8), dtype=np.uint8)
        labels = np.arange(64) % 2
        images[labels == 0, :, ::2] += 150
        images[labels == 1, :, :, ::2] += 150
        both = Split(images, labels)
        super().__init__(name="stripes", classes=["rows", "columns"], mean=(0.5,), std=(0.25,), split_name="own",
                         options=options, train=both, test=both)


class Steps(torch.optim.SGD):
    """Remembers that it was made."""

    made = []

    def __init__(self, params, lr, speed):
        super().__init__(params, lr * speed)
        self.made.append(speed)


class MySign(ApproxSignBinarizer):
    """A sign of one's own."""


config = BConfig(MySign, weight_pre_process=SignWeightBinarizer)
number = 3
'''
FIELDS = {
    "name": "mine",
    "model": {"name": "things_of_mine:Net", "options": {"width": 4}, "binarization": "things_of_mine:config"},
    "data": {"name": "things_of_mine:Stripes"},
    "optimizer": {"name": "things_of_mine:Steps", "lr": 0.05, "args": {"speed": 2.0}},
    "epochs": 2,
    "batch_size": 16,
}


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "things_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("things_of_mine", None)


def recipe(*overrides: str) -> Any:
    import yaml

    Path("mine.yaml").write_text(yaml.safe_dump(FIELDS))
    return load_recipe("mine.yaml", list(overrides))


def test_nothing_is_imported_before_it_is_needed() -> None:
    recipe()
    assert "things_of_mine" not in sys.modules


def test_own_things_train_and_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = fit(recipe(), output=tmp_path / "run", progress=False)
    mine = sys.modules["things_of_mine"]
    assert mine.Steps.made == [2.0]
    assert result.split == "own"
    with pytest.raises(InputError, match="If you trust the file and the package, set XNORKIT_TRUST=things_of_mine"):
        load_checkpoint(result.checkpoint)
    monkeypatch.setenv("XNORKIT_TRUST", "others, things_of_mine")
    model, _ = load_checkpoint(result.checkpoint)
    assert isinstance(model, mine.Net)
    assert isinstance(model[2], BinaryConv2d)
    assert isinstance(model[2].activation_pre_process, mine.MySign)
    assert type(model[0]) is nn.Conv2d
    exported = export_checkpoint(result.checkpoint, tmp_path / "mine.xnor")
    assert exported.proof.predictions_equal == 64
    for file in (result.checkpoint, tmp_path / "mine.xnor"):
        assert evaluate_file(file)["top1"] == pytest.approx(result.accuracy, abs=0.02)


def test_a_binarization_of_ones_own_in_a_known_model() -> None:
    model = create_model("lenet5", binarization="things_of_mine:MySign")
    kinds = {type(m.activation_pre_process).__name__ for m in model.modules() if isinstance(m, BinaryConv2d)}
    assert kinds == {"MySign"}
    weights = create_model("resnet20-cifar10", binarization="things_of_mine:BWNWeightBinarizer")
    assert any(type(getattr(m, "weight_pre_process", None)).__name__ == "BWNWeightBinarizer" for m in weights.modules())
    config = BConfig(BasicInputBinarizer, weight_pre_process=SignWeightBinarizer)
    assert any(isinstance(m, BinaryConv2d) for m in create_model("nin-cifar10", binarization=config).modules())


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.name=absent_things:Net", "the import of absent_things fails .ModuleNotFoundError: No module named"),
        ("model.name=things_of_mine:Nett", "has no Nett. Did you mean Net"),
        ("model.name=a b:c", "must read package.module:Name"),
        (
            "model.name=things_of_mine:number",
            "input_shape=None, but it must have the attribute input_shape",
        ),
        (
            "model.binarization=react",
            "react is a name of xnorkit's models, but things_of_mine:Net is your own",
        ),
        ("model.binarization=things_of_mine:number", "is a int, but it must be a BConfig or a class of binarizers"),
        ("model.options.depth=3", "but with num_classes, width, depth: .*unexpected keyword argument 'depth'"),
        (
            "data.name=things_of_mine:config",
            "must be a class or function that takes the folder and the options, but: .*not callable",
        ),
        ("model.name=things_of_mine.Net", "not a model. For a thing of your own, write things_of_mine:Net."),
        ("data.name=things_of_mine.Stripes", "not a data set. For a thing of your own, write things_of_mine:Stripes."),
        ("model.binarization=things_of_mine:Net", "activation_pre_process=Net fails .* must take the layer, or no"),
        ("model.binarization=things_of_mine:Steps", "is a type, but it must be a BConfig or a class of binarizers"),
        ("optimizer.args.slow=1", "optimizer things_of_mine:Steps: .*unexpected keyword argument 'slow'"),
    ],
)
def test_wrong_names_are_one_clear_error(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises((RecipeError, InputError), match=message):
        fit(recipe(override), output=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_an_unknown_optimizer_names_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"optimizer.name=adan, but it must be one of adam, .*Did you mean adam\?"):
        recipe("optimizer.name=adan", "optimizer.args={}")
    with pytest.raises(RecipeError, match="but it must be empty except for an optimizer of your own"):
        recipe("optimizer.name=adam")


class Counted(Callback):
    """Counts epochs."""

    epochs = 0

    def on_train_epoch_end(self, *_: Any) -> None:
        self.epochs += 1


def stripes(batch_size: int = 16) -> MemoryData:
    images = np.random.default_rng(0).integers(0, 256, (48, 1, 8, 8), dtype=np.uint8)
    both = Split(images, np.arange(48) % 2)
    options = DataOptions(batch_size=batch_size)
    names: dict[str, Any] = {"name": "given", "classes": ["a", "b"], "split_name": "given split"}
    return MemoryData(**names, mean=(0.5,), std=(0.25,), options=options, train=both, test=both)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))


def test_fit_takes_objects(tmp_path: Path) -> None:
    counted, logger = Counted(), CSVLogger(tmp_path / "logs")
    plain = load_recipe("lenet5-digits", ["batch_size=16", "epochs=2"])
    given: dict[str, Any] = {"model": net(), "data": stripes(), "callbacks": [counted], "logger": logger}
    result = fit(plain, output=tmp_path / "run", progress=False, **given)
    assert (counted.epochs, result.split) == (2, "given split")
    logger.save()
    (rows,) = (tmp_path / "logs").rglob("metrics.csv")
    assert "eval_accuracy" in rows.read_text()
    with pytest.raises(InputError, match=r"must be given here too. Call load_checkpoint"):
        load_checkpoint(result.checkpoint)
    again, _ = load_checkpoint(result.checkpoint, net())
    assert torch.equal(again[1].weight, given["model"][1].weight)


def test_fit_refuses_objects_that_do_not_fit(tmp_path: Path) -> None:
    plain = load_recipe("lenet5-digits", ["batch_size=16", "epochs=1"])
    for given, message in (
        ({"data": stripes(8)}, "data has batches of 8 .*but it must have batch_size=16"),
        ({"data": [1]}, "data is a list, but it must be an xnorkit.data.ImageData"),
        ({"data": stripes(), "logger": "wand"}, "logger='wand', but it must be one of csv, tensorboard, wandb, mlflow"),
    ):
        with pytest.raises(InputError, match=message):
            fit(plain, output=tmp_path / "run", progress=False, model=net(), **given)
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_logger_that_is_not_installed_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from xnorkit.train import loggers

    def absent(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(loggers.pl.loggers, "WandbLogger", absent)
    monkeypatch.setattr(loggers.pl.loggers, "MLFlowLogger", absent)
    with pytest.raises(InputError, match=rf"pip install 'xnorkit\[{name}\]'"):
        loggers.make_loggers(name, tmp_path, "run")


def test_several_seeds(tmp_path: Path) -> None:
    found = fit_seeds(recipe("epochs=1"), [3, 1], output=tmp_path / "runs", progress=False)
    assert list(found.results) == [3, 1]
    both = [result.accuracy for result in found.results.values()]
    assert found.to_json()["mean"] == pytest.approx(sum(both) / 2)
    assert found.to_json()["standard_deviation"] == pytest.approx(abs(both[0] - both[1]) / 2**0.5)
    assert found.words.endswith("2 seeds)")
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"seed-1", "seed-3", "seeds.json"}
    with pytest.raises(InputError, match="none twice"):
        fit_seeds(recipe(), [1, 1], output=tmp_path / "more")
    with pytest.raises(InputError, match="share the weights"):
        fit_seeds(recipe(), [1, 2], output=tmp_path / "more", model=net())
