"""From run folders to a trained model with its card."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from publish import publish, set_twins
from run_figures import _differences, read_run, read_series

from xnorkit import runtime, zoo
from xnorkit.errors import InputError
from xnorkit.format import read
from xnorkit.train import fit, load_recipe

SHORT = ["epochs=1", "batch_size=256"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seeds 1 and 0 of one recipe, and a float twin."""
    folder = tmp_path_factory.mktemp("runs")
    for name, recipe, more in (
        ("b", "lenet5-digits", ["seed=1"]),
        ("a", "lenet5-digits", []),
        ("float", "lenet5-digits-float", []),
    ):
        fit(load_recipe(recipe, [*SHORT, *more]), output=folder / name, progress=False, threads=1)
    return [folder / name for name in ("b", "a", "float")]


def test_what_a_run_tells(runs: list[Path]) -> None:
    run = read_run(runs[0])
    assert run.overrides == ("epochs=1", "batch_size=256")
    assert (run.epochs, run.planned, run.finished) == (1, 30, True)
    assert [record.recipe.seed for record in read_series(runs[:2])] == [0, 1]
    with pytest.raises(InputError, match="must have the same recipe"):
        read_series(runs)
    with pytest.raises(InputError, match=r"no recipe\.yaml and log\.csv"):
        read_run(runs[0] / "nothing")


def test_a_part_that_a_run_leaves_out_is_an_override() -> None:
    shipped = {"epochs": 3, "teacher": {"recipe": "float", "weight": 0.7}, "stages": [{"epochs": 3}]}
    ours = {"epochs": 3, "teacher": None, "stages": []}
    assert list(_differences(shipped, ours, staged=False)) == ["teacher=null", "stages=[]"]


def test_publish(runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"data_root": tmp_path, "hardware": "a machine", "commit": "abc"}
    card = publish("tiny-digits", runs[:2], tmp_path, twins=[runs[2:]], **options)
    monkeypatch.setattr("xnorkit.zoo.files.FOLDER", tmp_path)
    assert zoo.list_pretrained() == ["tiny-digits"]
    assert zoo.card("tiny-digits") == card
    assert (card.seed, card.images, card.series.epochs, card.series.epochs_planned) == (0, 360, 1, 30)
    assert [run.seed for run in card.series.runs] == [0, 1]
    assert card.top1 == card.series.runs[0].top1
    assert card.command(card.series) == "xnorkit train lenet5-digits epochs=1 batch_size=256"
    twin = card.twin("float")
    assert twin is not None
    assert twin.runs[0].top1 == read_run(runs[2]).top1
    assert card.twin("bwn") is None
    metadata = read(zoo.path("tiny-digits")).metadata
    assert (metadata["top1"], metadata["license"], metadata["commit"]) == (card.top1, "CC BY 4.0", "abc")
    sample = zoo.sample("tiny-digits")
    assert sample.images.shape == (8, 1, 28, 28)
    assert np.array_equal(runtime.load(zoo.path("tiny-digits"))(sample.images), sample.logits)
    assert {file.suffix for file in tmp_path.iterdir()} == {".xnor", ".json", ".npz"}
    assert set_twins(card, [], tmp_path) == zoo.card("tiny-digits") == card
    assert set_twins(replace(card, twins=()), [runs[2:]], tmp_path) == zoo.card("tiny-digits") == card
    assert set_twins(card, [runs[2:]], tmp_path) == zoo.card("tiny-digits") == card  # in its own place
    other = replace(card.twins[0], binarization="bwn")
    both = set_twins(replace(card, twins=(other,)), [runs[2:]], tmp_path)
    assert both.twins == (other, *card.twins) == zoo.card("tiny-digits").twins


def test_refusals(runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"data_root": tmp_path, "hardware": "", "commit": ""}
    with pytest.raises(InputError, match="need seed 0 among them"):
        publish("x", runs[:1], tmp_path, **options)
    monkeypatch.setattr("publish.MAX_BYTES", 3)
    with pytest.raises(InputError, match="at most 3 may ship"):
        publish("x", runs[1:2], tmp_path, **options)
    assert not list(tmp_path.iterdir())
