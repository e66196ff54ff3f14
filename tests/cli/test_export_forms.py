"""export --to onnx and --to c, from a checkpoint and from a packed file."""

import json
from pathlib import Path

import pytest
import torch

from xnorkit.cli.main import main
from xnorkit.export import pack
from xnorkit.format import write
from xnorkit.models import create_model
from xnorkit.train import load_recipe
from xnorkit.train.checkpoint import write_weights
from xnorkit.train.stages import build_model


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "lenet5.xnor"
    write(path, pack(create_model("lenet5").eval(), (1, 28, 28)))
    return path


def test_the_form_that_a_name_suggests(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "last.ckpt", "-o", "model.onnx"]) == 2
    assert "add --to onnx" in capsys.readouterr().err


def test_onnx_from_a_packed_file(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = []
    for words in ([], ["--float"]):
        target = tmp_path / "lenet5.onnx"
        assert main(["export", str(packed), "-o", str(target), "--to", "onnx", "--json", *words]) == 0
        result = json.loads(capsys.readouterr().out)
        assert result["bytes"] == target.stat().st_size
        assert result["predictions_equal"] == result["images_checked"] == 8
        sizes.append(result["bytes"])
    assert sizes[0] < 90_000
    assert sizes[1] > 1_700_000


def test_c_from_a_packed_file(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(packed), "-o", str(tmp_path / "lenet5-c"), "--to", "c"]) == 0
    text = capsys.readouterr().out
    assert "bytes of constants" in text
    assert "8 of 8 predictions equal" in text
    assert (tmp_path / "lenet5-c" / "model.c").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "xnor"], "is packed already"),
        (["--to", "c", "--float"], "--float with --to c"),
    ],
)
def test_what_makes_no_sense(
    words: list[str], message: str, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(packed), "-o", str(tmp_path / "out.xnor"), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_checkpoint_without_its_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("XNORKIT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe("lenet5-mnist")
    torch.manual_seed(0)
    write_weights(tmp_path / "mnist.ckpt", build_model(recipe, 10), recipe, 10, mean=[0.25], std=[0.5])
    assert main(["export", "mnist.ckpt", "-o", "new/folder/lenet5.onnx", "--to", "onnx"]) == 0
    assert "16 images, 16 generated images" in capsys.readouterr().out
    assert Path("new/folder/lenet5.onnx").stat().st_size < 90_000
    assert main(["export", "mnist.ckpt", "-o", "lenet5.xnor"]) == 2
    assert "no MNIST in data" in capsys.readouterr().err
    Path("file").touch()
    assert main(["export", "mnist.ckpt", "-o", "file/lenet5.onnx", "--to", "onnx"]) == 2
    assert "required: a writable folder" in capsys.readouterr().err
