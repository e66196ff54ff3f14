"""A run's checkpoint says what its data set does to pictures; 8-bit first layers want pixels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import make_lmdb, make_whitened

from xnorkit.app.evaluate import evaluate_file
from xnorkit.cli.main import main
from xnorkit.data import create_data
from xnorkit.errors import RecipeError
from xnorkit.format import Preparation, read
from xnorkit.runtime import load
from xnorkit.train import load_checkpoint, load_recipe, read_checkpoint
from xnorkit.train.checkpoint import write_weights
from xnorkit.train.sources import load_pretrained, load_teacher
from xnorkit.train.specs import TeacherSpec
from xnorkit.train.stages import build_model

SHORT = ["epochs=1", "batch_size=16", "schedule.milestones=[1]"]


def test_a_run_on_whitened_floats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_whitened(tmp_path / "data", (16, 8))
    words = ["nin-cifar10-seed", *SHORT, "--data", str(tmp_path / "data"), "--output", str(tmp_path / "run")]
    assert main(["train", *words]) == 0
    last, packed = tmp_path / "run" / "last.ckpt", tmp_path / "nin.xnor"
    assert read_checkpoint(last).preparation == Preparation(prepared="whitened")
    assert main(["export", str(last), "-o", str(packed), "--data", str(tmp_path / "data")]) == 0
    assert read(packed).input.preparation == Preparation(prepared="whitened")
    found = [evaluate_file(path, data_root=tmp_path / "data") for path in (last, packed)]
    assert found[0]["top1"] == found[1]["top1"]
    capsys.readouterr()
    eight = ["model.first_layer=int8", "--output", str(tmp_path / "eight")]
    assert main(["train", *words[:-2], *eight]) == 2
    error = capsys.readouterr().err
    assert "model.first_layer=int8 reads pixels, but it must be float: data 'cifar10-whitened' holds prepared" in error


def test_a_run_on_caffes_database(tmp_path: Path) -> None:
    """From the loader's blue-green-red floats to a file that takes RGB pixels."""
    pytest.importorskip("lmdb")
    pytest.importorskip("google.protobuf")
    make_lmdb(tmp_path / "data")
    fields = ["data.name=imagenet-lmdb", "data.preprocessing=seed", "data.image_size=32"]
    words = [*fields, "--data", str(tmp_path / "data"), "--output", str(tmp_path / "run")]
    assert main(["train", "nin-cifar10-seed", *SHORT, *words]) == 0
    last, packed = tmp_path / "run" / "last.ckpt", tmp_path / "nin.xnor"
    data = create_data("imagenet-lmdb", tmp_path / "data", preprocessing="seed", image_size=32)
    assert read_checkpoint(last).preparation == data.preparation
    assert main(["export", str(last), "-o", str(packed), "--data", str(tmp_path / "data")]) == 0
    spec = read(packed).input
    assert spec.preparation == data.preparation
    assert spec.preparation.order == "bgr"
    assert np.array_equal(spec.preparation.mean_image, data.test_crop.mean[:, 112:144, 112:144].numpy())
    model = load_checkpoint(last)[0]
    with torch.no_grad():
        wanted = torch.cat([model(x) for x, _ in data.test_dataloader()]).numpy()
    pixels = data.test_arrays()[0]
    assert pixels.dtype == np.uint8
    assert np.allclose(load(packed)(pixels), wanted, atol=1e-3 * np.abs(wanted).max())
    found = [evaluate_file(path, data_root=tmp_path / "data") for path in (last, packed)]
    assert [row["images"] for row in found] == [8, 8]
    assert found[0]["top1"] == found[1]["top1"] == read_checkpoint(last).evaluation["top1"]


def test_weights_and_teachers_of_images_prepared_otherwise(tmp_path: Path) -> None:
    """Weights are a start, and the line says so; a teacher would see the wrong images, and is refused."""
    recipe = load_recipe("lenet5-digits")
    data = create_data("digits")
    for preparation, same in ((Preparation(), True), (Preparation(transposed=True), False), (None, True)):
        path = tmp_path / "teacher.ckpt"
        write_weights(path, build_model(recipe, 10), recipe, 10, mean=(0.0,), std=(1.0,), preparation=preparation)
        line = load_pretrained(build_model(recipe, 10), path, data.preparation)
        assert ("its images were prepared otherwise" in line) != same
        student = replace(recipe, teacher=TeacherSpec(checkpoint=str(path)))
        if same:
            assert load_teacher(student, data, lambda own: tmp_path) is not None
            continue
        with pytest.raises(RecipeError, match="the teacher's images were prepared differently from those of 'digits'"):
            load_teacher(student, data, lambda own: tmp_path)
