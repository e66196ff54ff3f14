"""`export --half --calibration` and `inspect --explain` as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest

from xnorkit.cli.main import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    assert main(["train", "lenet5-digits", "epochs=1", "--output", str(folder), "--json"]) == 0
    return folder / "last.ckpt"


def test_half_on_given_images(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "pixels.npy", rng.integers(0, 256, (9, 1, 28, 28), dtype=np.uint8))
    capsys.readouterr()
    target = tmp_path / "half.xnor"
    options = ["--half", "--calibration", str(tmp_path / "pixels.npy"), "--json"]
    assert main(["export", str(trained), "-o", str(target), *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images_checked"], result["split"], result["half"]) == (9, "pixels.npy", True)
    assert result["binary_outputs_equal"]
    assert result["floats_within_bound"]
    assert result["file_bytes"] == target.stat().st_size < 75_000


def test_dynamic_is_refused_where_a_layer_has_one_size(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "any.xnor"
    assert main(["export", str(trained), "-o", str(target), "--images", "2", "--dynamic"]) == 2
    assert "(binary_linear) is made for 4 x 4, but with dynamic=True" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize("content", [np.zeros((2, 28, 28), np.uint8), np.zeros((2, 1, 28, 28)), b"no array"])
def test_other_files_are_refused(
    content: object, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "images.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    assert main(["export", str(trained), "-o", str(tmp_path / "x.xnor"), "--calibration", str(path)]) == 2
    assert "but it must be a .npy file of images" in capsys.readouterr().err
    assert not (tmp_path / "x.xnor").exists()


def test_explain(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model in ("lenet5", str(trained)):
        assert main(["inspect", model, "--explain"]) == 0
        text = capsys.readouterr().out
        assert "'block3.linear.sign': per channel, on the integer sums of 'block2.conv.sum'" in text
        assert "'pool2' moved after the sign of 'block3.linear.sign'" in text
        assert "'conv1' (float_conv2d): first layer" in text
        assert "'classifier' (float_linear): last layer" in text
    target = tmp_path / "m.xnor"
    assert main(["export", str(trained), "-o", str(target), "--images", "2"]) == 0
    capsys.readouterr()
    assert main(["inspect", str(target), "--explain", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["explanation"]
    assert any("'conv1'" in line for line in lines)
    assert not any("block2" in line for line in lines)
