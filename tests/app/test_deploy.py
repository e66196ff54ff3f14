"""Exporting a checkpoint: which pixels the file accepts, and images of any size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import make

from xnorkit.app.evaluate import _packed, evaluate_file
from xnorkit.app.export import export_checkpoint
from xnorkit.app.inspect import summarize_model
from xnorkit.errors import DataError, ExportError, InputError
from xnorkit.format import Normalization, read
from xnorkit.runtime import load
from xnorkit.train import load_recipe
from xnorkit.train.checkpoint import write_weights
from xnorkit.train.stages import build_model


def checkpoint(path: Path, recipe_name: str, *overrides: str, num_classes: int = 10, **pixels: list[float]) -> Path:
    recipe = load_recipe(recipe_name, overrides)
    torch.manual_seed(0)
    write_weights(path, build_model(recipe, num_classes), recipe, num_classes, **pixels)
    return path


def test_the_normalization_is_that_of_the_checkpoint(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "own.ckpt", "lenet5-digits", mean=[0.25], std=[0.5])
    result = export_checkpoint(source, tmp_path / "own.xnor", images=3)
    assert result.proof.binary_outputs_equal
    assert result.proof.predictions_equal == 3
    assert read(tmp_path / "own.xnor").input.normalization == Normalization((0.25,), (0.5,))
    assert summarize_model(str(source)).total.packed_bytes == result.file_bytes


def test_an_older_checkpoint_takes_that_of_the_data_set(tmp_path: Path) -> None:
    from xnorkit.data import create_data

    export_checkpoint(checkpoint(tmp_path / "old.ckpt", "lenet5-digits"), tmp_path / "old.xnor", images=2)
    data = create_data("digits")
    normalization = read(tmp_path / "old.xnor").input.normalization
    assert normalization == Normalization(tuple(data.mean), tuple(data.std))


def test_images_of_any_size(tmp_path: Path) -> None:
    data = make("cifar10", tmp_path / "data")
    source = checkpoint(tmp_path / "resnet.ckpt", "resnet18-cifar10-seed")
    result = export_checkpoint(source, tmp_path / "any.xnor", data_root=data, images=1, dynamic=True)
    assert result.proof.binary_outputs_equal
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 40, 24), dtype=np.uint8)
    assert load(tmp_path / "any.xnor")(images).shape == (2, 10)
    fixed = checkpoint(tmp_path / "lenet5.ckpt", "lenet5-digits")
    with pytest.raises(ExportError, match="is made for 4 x 4, but with dynamic=True"):
        export_checkpoint(fixed, tmp_path / "fixed.xnor", images=1, dynamic=True)
    assert not (tmp_path / "fixed.xnor").exists()


def test_the_data_set_is_not_needed_for_given_images_or_another_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNORKIT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    source = checkpoint(tmp_path / "mnist.ckpt", "lenet5-mnist", mean=[0.25], std=[0.5])
    with pytest.raises(DataError, match="MNIST was not found"):
        export_checkpoint(source, tmp_path / "none.xnor")
    np.save("few.npy", np.random.default_rng(0).integers(0, 256, (5, 1, 28, 28), dtype=np.uint8))
    given = export_checkpoint(source, tmp_path / "given.xnor", calibration=Path("few.npy"), images=3)
    assert (given.proof.images, given.split) == (3, "few.npy")
    generated = export_checkpoint(source, tmp_path / "generated.xnor", data_needed=False)
    assert (generated.proof.images, generated.split) == (16, "16 generated images")
    assert generated.proof.binary_outputs_equal
    graph = read(tmp_path / "given.xnor")
    assert graph.input.normalization == Normalization((0.25,), (0.5,))
    assert graph.metadata == {"recipe": "lenet5-mnist", "data": "mnist"}
    assert summarize_model(str(source)).total.packed_bytes == given.file_bytes
    with pytest.raises(DataError, match="MNIST was not found"):
        export_checkpoint(source, tmp_path / "none.xnor", data_root=tmp_path, data_needed=False)
    older = checkpoint(tmp_path / "older.ckpt", "lenet5-mnist")
    with pytest.raises(InputError, match=r"does not hold mean and std of its pixels\. Give the folder of its data set"):
        export_checkpoint(older, tmp_path / "none.xnor", data_needed=False)
    assert not (tmp_path / "none.xnor").exists()


def test_the_file_says_how_photographs_were_prepared(tmp_path: Path) -> None:
    data = make("imagefolder", tmp_path / "data")
    own = ["data.name=imagefolder", "data.preprocessing=seed", "data.image_size=32"]
    pixels = {"mean": [0.5] * 3, "std": [0.25] * 3}
    source = checkpoint(tmp_path / "photos.ckpt", "resnet20-cifar10", *own, num_classes=2, **pixels)
    packed = tmp_path / "photos.xnor"
    export_checkpoint(source, packed, data_root=data, images=2)
    assert read(packed).metadata["preprocessing"] == "seed"
    assert _packed(packed, None, None)[3].preprocessing == "seed"
    trained, deployed = (evaluate_file(path, data_root=data) for path in (source, packed))
    assert {**trained, "model": ""} == {**deployed, "model": ""}
