"""`evaluate`, `predict`, `export`, `bench`, `inspect` on a file and a checkpoint of each kind of input."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from input_kinds import KINDS, SHAPE, packed, spec
from PIL import Image

from xnorkit.app.evaluate import evaluate_file
from xnorkit.app.trained import prepared_by
from xnorkit.bench.model import bench_model
from xnorkit.cli.main import main
from xnorkit.data import DataOptions, MemoryData, Split, registry
from xnorkit.format import Normalization, Preparation, as_floats, in_words, read, write
from xnorkit.runtime import Model
from xnorkit.train import load_recipe, read_checkpoint
from xnorkit.train.checkpoint import write_weights
from xnorkit.train.load_recipe import overridden
from xnorkit.train.stages import build_model

IMAGES = np.random.default_rng(0).integers(0, 256, (40, *SHAPE), dtype=np.uint8)
PIXEL_KINDS = [kind for kind in KINDS if kind not in ("prepared", "unknown")]


def data_of(
    images: np.ndarray, labels: np.ndarray, name: str, preparation: Preparation | None = None
) -> Callable[..., Any]:
    split = Split(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))
    return lambda root, options: MemoryData(
        name=name,
        classes=list("0123456789"),
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        split_name="batch 5 (of the training set)",
        options=options or DataOptions(),
        train=split,
        test=split,
        preparation=preparation,
    )


@pytest.fixture
def file_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a maker of files; it also makes data sets whose labels its network gives: of pixels, and of floats."""

    def make(kind: str) -> Path:
        graph = packed(kind)
        floats = as_floats(IMAGES, graph.input) if graph.input.takes_pixels else IMAGES.astype(np.float32) / 100
        labels = Model(graph)(floats).argmax(1)
        monkeypatch.setitem(registry._DATA, "made", data_of(IMAGES, labels, "made"))
        whitened = Preparation(prepared="whitened")
        monkeypatch.setitem(registry._DATA, "floats", data_of(floats, labels, "floats", whitened))
        monkeypatch.setitem(registry._DATA, "others", data_of(floats, labels, "others", Preparation(prepared="zca")))
        path = tmp_path / f"{kind}.xnor"
        write(path, replace(graph, metadata={"data": "made" if graph.input.takes_pixels else "floats"}))
        return path

    return make


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(list(map(str, words))) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("kind", [*PIXEL_KINDS, "prepared"])
def test_evaluate_feeds_a_file_as_it_says(kind: str, file_of: Callable[[str], Path]) -> None:
    """The labels are those of the right images, so anything else than 100 % is a wrong preparation."""
    found = evaluate_file(file_of(kind))
    assert (found["top1"], found["images"]) == (1.0, 40)
    assert found["split"] == "batch 5 (of the training set)"


def test_the_labels_tell_the_kinds_apart(file_of: Callable[[str], Path]) -> None:
    file_of("bgr-mean-image")
    others = [packed(kind) for kind in PIXEL_KINDS if kind != "bgr-mean-image"]
    labels = registry._DATA["made"](None, None).test_arrays()[1]
    assert all((Model(graph)(IMAGES).argmax(1) == labels).mean() < 0.9 for graph in others)


@pytest.mark.parametrize(
    ("kind", "data", "gives"),
    [
        ("prepared", "made", "pixels"),
        ("pixels", "floats", "prepared floats (whitened)"),
        ("bgr-mean-image", "floats", "prepared floats (whitened)"),
        ("prepared", "others", "prepared floats (zca)"),
        ("unknown", "made", "pixels"),
        ("unknown", "floats", "prepared floats (whitened)"),
    ],
)
def test_evaluate_refuses_other_images(
    kind: str, data: str, gives: str, file_of: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(kind)
    error = refusal(capsys, "evaluate", path, "--data-name", data)
    assert f"data '{data}' gives {gives}, and {path} takes {in_words(spec(kind))}, but the data set must " in error


@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_predict_feeds_an_image_file_as_the_file_says(
    kind: str, file_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(kind)
    logits = Model(packed(kind))(as_floats(IMAGES, spec(kind)))
    for number in range(3):
        Image.fromarray(IMAGES[number].transpose(1, 2, 0)).save(tmp_path / "x.png")
        best = answer(capsys, "predict", path, tmp_path / "x.png")["predictions"][0]["classes"][0]["class"]
        assert best == str(logits[number].argmax())


def test_predict_refuses_a_model_of_prepared_floats(
    file_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(IMAGES[0].transpose(1, 2, 0)).save(tmp_path / "ship.png")
    error = refusal(capsys, "predict", file_of("prepared"), tmp_path / "ship.png")
    assert "model 'small' takes prepared floats (whitened), no pixels, but it must take pixels" in error
    assert "has no normalisation for pixels, but its file must have one" in refusal(
        capsys, "predict", file_of("unknown"), tmp_path / "ship.png"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_inspect_and_bench_take_each_kind(
    kind: str, file_of: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(kind)
    assert answer(capsys, "inspect", path)["input"] == in_words(spec(kind))
    assert main(["inspect", str(path)]) == 0
    assert in_words(spec(kind)) in capsys.readouterr().out
    rows = bench_model(str(path), against=(), seconds=0.01)
    assert [row.engine for row in rows] == ["xnorkit"]


# A checkpoint is of a whole model; NIN is the smallest with three channels, its images 32 x 32.
NIN_SHAPE = (3, 32, 32)
NIN_MEAN = np.random.default_rng(3).uniform(80, 140, NIN_SHAPE).astype(np.float32)
NIN_IMAGES = np.random.default_rng(4).integers(0, 256, (6, *NIN_SHAPE), dtype=np.uint8)
STORED = {
    "pixels": Preparation(),
    "transposed": Preparation(transposed=True),
    "bgr-mean-image": Preparation("bgr", mean_image=NIN_MEAN),
    "prepared": Preparation(prepared="whitened"),
}


@pytest.fixture
def checkpoint_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    recipe = overridden(load_recipe("nin-cifar10-seed"), ["data.name=made"])
    torch.manual_seed(0)
    model = build_model(recipe, 10).eval()

    def make(kind: str) -> Path:
        preparation = STORED[kind]
        by = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        path = tmp_path / f"{kind}.ckpt"
        images, told = NIN_IMAGES, None
        if preparation.prepared:
            images, told = as_floats(NIN_IMAGES, replace(spec("pixels"), shape=NIN_SHAPE)), preparation
            floats = images
        else:
            given = None if preparation.mean_image is not None else by
            floats = as_floats(
                NIN_IMAGES, replace(spec(kind), shape=NIN_SHAPE, normalization=given, preparation=preparation)
            )
        with torch.no_grad():
            labels = model(torch.from_numpy(floats)).argmax(1).numpy()
        monkeypatch.setitem(registry._DATA, "made", data_of(images, labels, "made", told))
        write_weights(path, model, recipe, 10, mean=by.mean, std=by.std, preparation=preparation)
        return path

    return make


@pytest.mark.parametrize("kind", STORED)
def test_a_checkpoint_and_its_export(
    kind: str, checkpoint_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = checkpoint_of(kind), tmp_path / "new.xnor"
    assert read_checkpoint(old).preparation == STORED[kind]
    assert evaluate_file(old)["top1"] == 1
    proof = answer(capsys, "export", old, "-o", new)
    assert proof["images_checked"] == proof["predictions_equal"] == 6
    made = read(new).input
    assert made.preparation == STORED[kind]
    assert (made.normalization is None) == (kind in ("bgr-mean-image", "prepared"))
    assert evaluate_file(new)["top1"] == 1


def test_calibration_images_are_prepared_or_refused(
    checkpoint_of: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "pixels.npy", NIN_IMAGES[:2])
    np.save(tmp_path / "floats.npy", NIN_IMAGES[:2].astype(np.float32) / 100)
    new = tmp_path / "new.xnor"
    for kind in STORED:
        old = checkpoint_of(kind)
        assert answer(capsys, "export", old, "-o", new, "--calibration", tmp_path / "floats.npy")["images_checked"] == 2
        words = ["export", old, "-o", new, "--calibration", tmp_path / "pixels.npy"]
        if kind == "prepared":
            error = refusal(capsys, *words)
            assert "pixels.npy holds uint8 pixels, but they must be float32 images" in error
        else:
            assert answer(capsys, *words)["predictions_equal"] == 2


def test_a_checkpoint_of_before_the_preparation(tmp_path: Path) -> None:
    """The recipe's data set tells, or its files do; nothing is guessed where neither does."""
    path = tmp_path / "old.ckpt"
    for name, wanted in (
        ("cifar10", Preparation()),
        ("cifar10-whitened", Preparation(prepared="whitened")),
        ("imagenet-lmdb", Preparation()),
        ("imagenet-lmdb data.preprocessing=seed", None),
    ):
        recipe = overridden(load_recipe("nin-cifar10-seed"), f"data.name={name}".split())
        write_weights(path, build_model(recipe, 10), recipe, 10, mean=(0.0,) * 3, std=(1.0,) * 3)
        by, preparation = prepared_by(read_checkpoint(path))
        assert preparation == wanted
        assert (by is None) == (wanted is None or wanted.prepared is not None)


def test_an_old_checkpoint_without_its_mean_image_says_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = overridden(load_recipe("nin-cifar10-seed"), ["data.name=imagenet-lmdb", "data.preprocessing=seed"])
    old = tmp_path / "old.ckpt"
    write_weights(old, build_model(recipe, 10), recipe, 10, mean=(0.4,) * 3, std=(1 / 255,) * 3)
    np.save(tmp_path / "floats.npy", NIN_IMAGES[:2].astype(np.float32))
    error = refusal(capsys, "export", old, "-o", tmp_path / "n.xnor", "--calibration", tmp_path / "floats.npy")
    assert "old.ckpt does not hold its mean image. Give the folder of its data set." in error
