"""export --to onnx, c and web, from a checkpoint and from a packed file."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from xnorkit.cli.main import main
from xnorkit.export import pack
from xnorkit.format import read, write
from xnorkit.models import create_model
from xnorkit.train import load_recipe
from xnorkit.train.checkpoint import write_weights
from xnorkit.train.stages import build_model
from xnorkit.zoo import path


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


def test_a_program_that_fails_its_test_is_not_written(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = tmp_path / "bin" / "cc"
    compiler.parent.mkdir()
    compiler.write_text("#!/bin/sh\necho no licence >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{compiler.parent}{os.pathsep}{os.environ['PATH']}")
    assert main(["export", str(packed), "-o", str(tmp_path / "new" / "program"), "--to", "c"]) == 2
    assert "Check that the C compiler `cc` works" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_page_from_a_packed_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "page.html"
    assert main(["export", "lenet5-mnist", "-o", str(target), "--to", "web", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["bytes"] == target.stat().st_size
    assert result["predictions_equal"] == result["images_checked"] == (8 if shutil.which("node") else 0)
    assert main(["export", "lenet5-mnist", "-o", str(target), "--to", "web"]) == 0
    assert "every bit of the outputs" in capsys.readouterr().out or shutil.which("node") is None


def test_a_package_from_a_packed_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "package"
    assert main(["export", "lenet5-mnist", "-o", str(folder), "--to", "web"]) == 0
    assert str(folder) in capsys.readouterr().out
    names = {"model.xnor", "package.json", "xnorkit.d.ts", "xnorkit.js", "xnorkit.wasm"}
    assert {path.name for path in folder.iterdir()} == names | {".xnorkit"}
    assert main(["export", "lenet5-mnist", "-o", str(folder), "--to", "web"]) == 0
    capsys.readouterr()
    own = tmp_path / "own"
    own.mkdir()
    (own / "package.json").write_text("{}")
    assert main(["export", "lenet5-mnist", "-o", str(own), "--to", "web"]) == 2
    assert "holds package.json, not its own" in capsys.readouterr().err
    assert [path.name for path in own.iterdir()] == ["package.json"]


def test_a_page_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = read(path("lenet5-mnist"))
    floats = tmp_path / "floats.xnor"
    write(floats, replace(graph, input=replace(graph.input, normalization=None)))
    assert main(["export", str(floats), "-o", str(tmp_path / "new" / "page.html"), "--to", "web"]) == 2
    assert "but for a page it must take pixels" in capsys.readouterr().err
    assert main(["export", "lenet5-mnist", "-o", "page.html"]) == 2
    assert "add --to web" in capsys.readouterr().err
    (tmp_path / "folder.html").mkdir()
    assert main(["export", "lenet5-mnist", "-o", str(tmp_path / "folder.html"), "--to", "web"]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["floats.xnor", "folder.html"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "xnor"], "is packed already"),
        (["--to", "c", "--float"], "--float is given with --to c"),
        (["--to", "c", "--half"], "--half is given for"),
        (["--to", "c", "--flash", "0"], "--flash is 0, but it must be a number of bytes above 0"),
        (["--to", "c", "--ram", "-1"], "--ram is -1, but it must be a number of bytes above 0"),
        (["--to", "web", "--ram", "1000"], "--ram is given with --to web"),
        (["--to", "c", "--ram", "4000"], "bytes of RAM for its values, but the budget is 4,000."),
        (["--to", "c", "--flash", "70000"], "bytes of flash for its constants, but the budget is 70,000."),
    ],
)
def test_what_makes_no_sense(
    words: list[str], message: str, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(packed), "-o", str(tmp_path / "new" / "out.xnor"), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


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
    assert "MNIST was not found in data" in capsys.readouterr().err
    Path("file").touch()
    assert main(["export", "mnist.ckpt", "-o", "file/lenet5.onnx", "--to", "onnx"]) == 2
    assert "but its folder must be writable" in capsys.readouterr().err
