"""Test-time flip: whose logits are averaged, that results name it, and that it is off unless asked for."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit.app.evaluate import evaluate_file
from xnorkit.cli.main import main
from xnorkit.data import ImageData, Split, create_data, normalize
from xnorkit.data.accuracy import check_flip
from xnorkit.errors import RecipeError
from xnorkit.format import Preparation
from xnorkit.train import Recipe, evaluate_model, fit, load_checkpoint, load_recipe
from xnorkit.train.module import TrainingModule

fit_module = importlib.import_module("xnorkit.train.fit")


def recipe(*more: str) -> Recipe:
    return load_recipe("lenet5-digits", ["batch_size=256", "epochs=2", "data.selection=0.25", *more])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flip") / "run"
    fit(recipe("test_flip=true"), output=folder, progress=False, threads=1)
    return folder


def test_the_result_is_that_of_both_logits(run: Path, tmp_path: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    assert (result["split"], result["test_flip"]) == ("held-out 20 %, with test-time flip", True)
    model, _ = load_checkpoint(run / "last.ckpt")
    data = create_data("digits")

    def logits(images: np.ndarray) -> np.ndarray:
        return model(normalize(torch.from_numpy(images), data.mean, data.std)).detach().numpy()

    def both(images: np.ndarray) -> np.ndarray:
        return (logits(images) + logits(images[..., ::-1].copy())) / 2

    expected = evaluate_model(both, data)
    assert expected["top1"] == result["accuracy"] != evaluate_model(logits, data)["top1"]
    assert evaluate_model(logits, data, test_flip=True) == expected
    plain = fit(recipe(), output=tmp_path, progress=False, threads=1)
    assert (plain.split, plain.test_flip) == ("held-out 20 %", False)
    assert plain.accuracy != result["accuracy"]
    same = [load_checkpoint(folder / "last.ckpt")[0].state_dict() for folder in (run, tmp_path)]
    assert all(torch.equal(same[0][name], same[1][name]) for name in same[0]), "training is the same"


def test_evaluate_follows_the_recipe_and_the_option(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads((run / "result.json").read_text())
    found = [evaluate_file(run / "last.ckpt", test_flip=flip) for flip in (None, True, False)]
    assert found[0] == found[1]
    assert (found[0]["top1"], found[0]["split"], found[0]["test_flip"]) == (result["accuracy"], result["split"], True)
    assert (found[2]["split"], found[2]["test_flip"]) == ("held-out 20 %", False)
    assert found[2]["top1"] != found[0]["top1"]
    assert main(["evaluate", str(run / "last.ckpt"), "--per-class"]) == 0
    shown = capsys.readouterr().out
    assert f"{result['accuracy']:.2%} (with test-time flip)" in shown
    assert "Per class (with test-time flip)" in shown
    assert main(["evaluate", str(run / "last.ckpt"), "--no-flip"]) == 0
    assert "with test-time flip" not in capsys.readouterr().out
    assert main(["evaluate", str(run / "last.ckpt"), "--flip", "--no-flip"]) == 2
    assert "--flip and --no-flip are both given" in capsys.readouterr().err


def test_packed_files(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "m.xnor"
    assert main(["export", str(run / "last.ckpt"), "-o", str(file), "--images", "4"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(file), "--flip", "--json"]) == 0
    flipped = json.loads(capsys.readouterr().out)
    trained = evaluate_file(run / "last.ckpt")
    assert flipped["split"] == trained["split"]
    assert flipped["top1"] == pytest.approx(trained["top1"], abs=0.004)
    assert evaluate_file(file)["test_flip"] is False


def test_train_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "lenet5-digits", "epochs=1", "batch_size=256", "test_flip=true", "data.selection=0.25"]
    assert main([*words, "--output", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr()
    assert "% (with flip) flips" in shown.err
    figures = [line for line in shown.out.splitlines() if "%" in line.replace("20 %", "")]
    assert len(figures) == 4
    assert all("with test-time flip" in line for line in figures)


def test_transposed_images_are_mirrored_left_to_right(monkeypatch: pytest.MonkeyPatch) -> None:
    module = TrainingModule(recipe("test_flip=true"), 10, 2, preparation=Preparation(transposed=True))
    seen: list[torch.Tensor] = []

    class Look(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images)
            return torch.zeros(len(images), 10)

    module.model = Look()
    images = torch.randn(2, 1, 28, 28)
    module.validation_step((images, torch.zeros(2, dtype=torch.int64)), 0)
    assert torch.equal(seen[1], images.flip(2))


def test_images_less_a_mean_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match=r"normalised per channel, but .* mean image subtracted.* Leave test_flip"):
        check_flip(Preparation(mean_image=np.zeros((1, 28, 28), np.float32)))

    def less_a_mean(*args: object, **options: object) -> ImageData:
        data = create_data(*args, **options)
        data.train = Split(data.train.images[:256], data.train.labels[:256])
        data.preparation = replace(data.preparation, mean_image=np.zeros((1, 28, 28), np.float32))
        return data

    monkeypatch.setattr(fit_module, "create_data", less_a_mean)
    with pytest.raises(RecipeError, match="but these images have a mean image"):
        fit(recipe("test_flip=true"), output=tmp_path / "run", progress=False)
