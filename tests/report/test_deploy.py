"""Exporting a checkpoint: which pixels the file accepts, and images of any size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import make

from xnorkit.errors import ExportError
from xnorkit.format import Normalization, read
from xnorkit.report.deploy import export_checkpoint, summarize_model
from xnorkit.runtime import load
from xnorkit.train import load_recipe
from xnorkit.train.build import build_model
from xnorkit.train.checkpoint import write_weights


def checkpoint(path: Path, recipe_name: str, **pixels: list[float]) -> Path:
    recipe = load_recipe(recipe_name)
    torch.manual_seed(0)
    write_weights(path, build_model(recipe, 10), recipe, 10, **pixels)
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
    with pytest.raises(ExportError, match="is made for 4 x 4; required with dynamic=True"):
        export_checkpoint(fixed, tmp_path / "fixed.xnor", images=1, dynamic=True)
    assert not (tmp_path / "fixed.xnor").exists()
