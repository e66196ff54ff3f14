"""Trained models by name, as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xnorkit import zoo
from xnorkit.cli.main import main
from xnorkit.format import read

NAME = "lenet5-digits"


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def failing(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 2
    return capsys.readouterr().err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    listed = run_json(capsys, "models", "--pretrained")
    assert [card["name"] for card in listed] == zoo.list_pretrained()
    assert main(["models", "--pretrained", "lenet5*"]) == 0
    assert f"{100 * zoo.card(NAME).top1:.2f} %" in capsys.readouterr().out
    assert "no trained model matches 'x*'" in failing(capsys, "models", "--pretrained", "x*")


def test_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    found, card = run_json(capsys, "evaluate", NAME), zoo.card(NAME)
    assert found == {
        "model": NAME,
        "test_flip": False,
        **{key: getattr(card, key) for key in ("data", "split", "images", "top1", "top5")},
    }
    assert "no file 'lenet5-digit', and no trained model" in failing(capsys, "evaluate", "lenet5-digit")


def test_predict_the_sample(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = run_json(capsys, "predict", NAME, "--sample")["predictions"]
    sample = zoo.sample(NAME)
    assert [p["label"] for p in predictions] == list(map(str, sample.labels))
    assert [p["classes"][0]["class"] for p in predictions] == list(map(str, sample.logits.argmax(1)))
    assert main(["predict", NAME, "--sample"]) == 0
    assert "sample 7 (" in capsys.readouterr().out


def test_predict_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = zoo.sample(NAME)
    light, dark = tmp_path / "light.png", tmp_path / "dark.png"
    for path, pixels in ((light, sample.images[0, 0]), (dark, 255 - sample.images[0, 0])):
        Image.fromarray(np.dstack([pixels] * 3)).save(path)
    best = str(sample.logits[0].argmax())
    first, second = run_json(capsys, "predict", NAME, light, light)["predictions"]
    assert first["classes"] == second["classes"]
    assert first["classes"][0]["class"] == best
    assert first["microseconds"] > 0
    inverted = run_json(capsys, "predict", NAME, dark, "--invert")["predictions"][0]
    assert inverted["classes"] == first["classes"]


def test_predict_takes_options_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(zoo.sample(NAME).images[0, 0]).save(picture)
    expected = run_json(capsys, "predict", NAME, picture, "--invert", "--top", 2)["predictions"][0]["classes"]
    for words in ((NAME, "--invert", "--top", 2, picture), ("--top", 2, NAME, "--invert", picture)):
        assert run_json(capsys, "predict", *words)["predictions"][0]["classes"] == expected
    assert "--sample and image files" in failing(capsys, "predict", NAME, "--sample", picture)
    assert "--invert is given with --sample" in failing(capsys, "predict", NAME, "--invert", "--sample")


def test_predict_names_what_is_no_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(zoo.sample(NAME).images[0, 0]).save(picture)
    assert "is a folder, but it must be an image file" in failing(capsys, "predict", NAME, tmp_path)
    assert main(["predict", NAME, str(tmp_path / "b.png"), str(picture)]) == 2
    shown = capsys.readouterr()
    assert "a.png" in shown.out
    assert "medians of 20 calls" in shown.out
    assert "b.png does not exist" in shown.err


def test_evaluate_can_download(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "download them" in failing(capsys, "evaluate", "lenet5-mnist", "--data", tmp_path)
    assert run_json(capsys, "evaluate", NAME, "--download", "true")["data"] == "digits"


def test_export_of_a_trained_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is packed already" in failing(capsys, "export", NAME, "-o", tmp_path / "m.xnor")
    run_json(capsys, "export", NAME, "-o", tmp_path / "c", "--to", "c")
    assert any((tmp_path / "c").iterdir())


def test_predict_needs_images_or_the_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no image is given, but it must be image files, or --sample" in failing(capsys, "predict", NAME)
    assert "--sample and image files" in failing(capsys, "predict", NAME, "x.png", "--sample")
    assert "no trained model" in failing(capsys, "predict", zoo.path(NAME), "--sample")


def test_inspect(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_json(capsys, "inspect", NAME)["total"]["packed_bytes"] == zoo.card(NAME).bytes
    assert run_json(capsys, "inspect", NAME, "--pretrained")["total"]["packed_bytes"] == zoo.card(NAME).bytes
    assert "no trained model 'lenet5'" in failing(capsys, "inspect", "lenet5", "--pretrained")
    assert "not on bits:" in run_json(capsys, "inspect", NAME, "--explain")["explanation"]


def test_bench(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run_json(capsys, "bench", "model", NAME, "--against", "none", "--seconds", "0.01")
    assert [(row["engine"], row["file_bytes"]) for row in rows] == [("xnorkit", zoo.card(NAME).bytes)]


def test_export_says_what_was_reached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, file = tmp_path / "run", tmp_path / "m.xnor"
    trained = run_json(capsys, "train", NAME, "epochs=1", "batch_size=256", "--output", run)
    run_json(capsys, "export", run / "last.ckpt", "-o", file, "--images", 1, "--license", "CC BY 4.0")
    metadata = read(file).metadata
    assert {key: metadata[key] for key in ("split", "images", "top1", "top5", "license")} == {
        **{key: trained[key] for key in ("split", "images", "top5")},
        "top1": trained["accuracy"],
        "license": "CC BY 4.0",
    }
