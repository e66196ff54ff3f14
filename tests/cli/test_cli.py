"""Each command as a user types it: what it prints, its JSON, its exit codes."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from xnorkit.cli.main import main
from xnorkit.errors import BinarizationWarning
from xnorkit.export import pack
from xnorkit.format import Normalization, write
from xnorkit.models import create_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of one short epoch on the digits."""
    folder = tmp_path_factory.mktemp("run")
    assert main(["train", "lenet5-digits", "epochs=1", "--output", str(folder), "--json"]) == 0
    return folder / "last.ckpt"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("packed") / "lenet5.xnor"
    metadata = {"classes": [f"digit {i}" for i in range(10)]}
    model = create_model("lenet5").eval()
    write(path, pack(model, (1, 28, 28), normalization=Normalization((0.5,), (0.5,)), metadata=metadata))
    return path


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def failing(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 2
    # The benchmark says first which peers are not installed.
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("left out: ")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return f"{lines[0]}\n"


def test_train_export_evaluate(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "model.xnor"
    exported = run_json(capsys, "export", trained, "-o", target)
    assert exported["binary_outputs_equal"] is True
    assert exported["images_checked"] > 300
    assert exported["split"] == run_json(capsys, "evaluate", target)["split"] != ""
    assert exported["predictions_equal"] >= exported["images_checked"] - 1
    assert exported["file_bytes"] == target.stat().st_size < 86_000
    before = run_json(capsys, "evaluate", trained)
    after = run_json(capsys, "evaluate", target)
    assert set(after) == {"model", "data", "split", "test_flip", "images", "top1", "top5"}
    assert after["images"] == before["images"] == exported["images_checked"]
    assert after["top1"] == pytest.approx(before["top1"], abs=0.004)
    assert after["top1"] > 0.5
    total = run_json(capsys, "inspect", target)["total"]
    assert total["packed_bytes"] == exported["file_bytes"]
    inspected = run_json(capsys, "inspect", trained)["total"]
    assert inspected["params"] == 431_220
    assert inspected["packed_bytes"] == exported["file_bytes"], "one model, one size"
    assert inspected["float_bytes"] == exported["float_bytes"] == 1_725_600


def test_export_refuses_a_proof_of_nothing(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for images in (0, -5):
        assert "at least 1" in failing(capsys, "export", trained, "-o", tmp_path / "x.xnor", "--images", images)
    assert not (tmp_path / "x.xnor").exists()


def test_export_checks_its_target(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.xnor").mkdir()
    (tmp_path / "file").touch()
    assert "is a folder" in failing(capsys, "export", trained, "-o", tmp_path / "folder.xnor")
    assert "must end in .xnor" in failing(capsys, "export", trained, "-o", tmp_path / "x.foo")
    assert "cannot be written" in failing(capsys, "export", trained, "-o", tmp_path / "file" / "x.xnor")


def test_isa_is_for_packed_files(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a checkpoint runs in PyTorch" in failing(capsys, "evaluate", trained, "--isa", "portable")


def test_predict_names_the_remedy(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = tmp_path / "bare.xnor"
    write(bare, pack(create_model("lenet5").eval(), (1, 28, 28)))
    assert "normalization=Normalization(mean, std)" in failing(capsys, "predict", bare, "x.png")
    assert "top=0, but it must be at least 1" in failing(capsys, "predict", packed, "x.png", "--top", 0)
    assert "`xnorkit export`" in failing(capsys, "predict", tmp_path / "last.ckpt", "x.png")


def test_bench_refuses_what_it_cannot_measure(capsys: pytest.CaptureFixture[str]) -> None:
    kernels = ("bench", "kernels", "--shapes", "3x3 32@5x5")
    assert "isa 'foo', but this CPU" in failing(capsys, *kernels, "--isa", "foo")
    assert "from 1 to 256" in failing(capsys, *kernels, "--threads", 500)
    assert "against 'foo', but" in failing(capsys, *kernels, "--against", "foo")
    assert "a positive number" in failing(capsys, *kernels, "--seconds=-1")
    assert "at least one shape" in failing(capsys, "bench", "kernels", "--shapes")


def test_help_shows_no_python(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("export", "evaluate", "inspect", "predict", "demo"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "<" not in capsys.readouterr().out


def test_train_prints_its_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_json(capsys, "train", "lenet5-digits", "epochs=1", "batch_size=256", "--output", tmp_path)
    assert result["epochs"] == 1
    assert Path(result["checkpoint"]).is_file()


def test_inspect_tells_why_a_layer_is_float(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run_json(capsys, "inspect", packed)
    layers = {layer["name"]: layer for layer in summary["layers"]}
    fields = {"name", "kind", "binary", "reason", "bits", "params", "macs_1bit", "macs_8bit", "macs_32bit", "bytes"}
    assert all(set(layer) == fields for layer in layers.values())
    assert layers["block2.conv"]["binary"]
    assert layers["block2.conv"]["macs_1bit"] == 64 * 500 * 50
    assert not layers["conv1"]["binary"]
    assert layers["conv1"]["reason"]
    assert set(summary["total"]) == {"packed_bytes", "float_bytes", "params", "macs_1bit", "macs_8bit", "macs_32bit"}
    assert main(["inspect", str(packed)]) == 0
    text = capsys.readouterr().out
    assert "block2.conv" in text
    assert f"{packed.stat().st_size:,} bytes" in text
    assert "431,600 weights, biases, scales and thresholds" in text


def test_inspect_a_model_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    total = run_json(capsys, "inspect", "lenet5")["total"]
    assert (total["params"], total["macs_1bit"]) == (431_220, 2_000_000)
    assert main(["inspect", "resnet18-cifar10"]) == 0
    text = capsys.readouterr().out
    assert "layer4.1.conv2" in text
    assert "size of the exported file" in text
    assert "does not exist" in failing(capsys, "inspect", "/nope/x.ckpt")


def test_predict_any_size_and_mode(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    paths = []
    for mode, size in {"L": (28, 28), "RGB": (100, 60), "RGBA": (7, 9), "1": (28, 28)}.items():
        paths.append(tmp_path / f"{mode}.png")
        Image.fromarray(rng.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8), "RGBA").convert(mode).save(
            paths[-1]
        )
    result = run_json(capsys, "predict", packed, *paths, "--top", "2")
    assert [item["image"] for item in result["predictions"]] == [str(p) for p in paths]
    for item in result["predictions"]:
        assert len(item["classes"]) == 2
        assert item["classes"][0]["class"].startswith("digit ")
        assert item["classes"][0]["probability"] >= item["classes"][1]["probability"]
        assert item["microseconds"] > 0


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"lenet5", "resnet18", "resnet18-cifar10"} < {row["model"] for row in run_json(capsys, "models")}
    lenet5 = {
        "model": "lenet5",
        "input": [1, 28, 28],
        "binarizations": ["xnor", "xnor-k", "bwn", "float"],
        "params": 431_220,
        "binary_weights": 425_000,
    }
    assert run_json(capsys, "models", "lenet*") == [lenet5]
    assert main(["models", "lenet*"]) == 0
    assert "1 x 28 x 28  431,220  425,000  xnor xnor-k bwn float" in capsys.readouterr().out
    assert "no model matches 'foo*'" in failing(capsys, "models", "foo*")
    names = {row["recipe"] for row in run_json(capsys, "recipes")}
    assert names >= {"lenet5-digits", "lenet5-digits-float", "lenet5-mnist", "lenet5-mnist-float"}


def test_bench(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run_json(capsys, "bench", "kernels", "--shapes", "3x3 32@5x5", "--seconds", "0.02")
    assert rows[0]["shape"] == "3x3 32@5x5"
    assert main(["bench", "model", "lenet5", "--seconds", "0.02", "--against", "torch"]) == 0
    assert "torch_f32" in capsys.readouterr().out


def test_errors_are_one_line_and_exit_code_2(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "lenet5-digits" in failing(capsys, "train", "lenet5-digit")
    assert "epochs" in failing(capsys, "train", "lenet5-digits", "epoch=3")
    assert "mnist" in failing(capsys, "train", "lenet5-mnist", "--data", tmp_path)
    assert "missing.xnor" in failing(capsys, "evaluate", tmp_path / "missing.xnor")
    assert "missing.ckpt" in failing(capsys, "export", tmp_path / "missing.ckpt", "-o", tmp_path / "x.xnor")
    assert "lenet5" in failing(capsys, "inspect", "lenet55")
    assert "does not exist" in failing(capsys, "predict", packed, tmp_path / "missing.png")
    (tmp_path / "text.png").write_text("not an image")
    assert "cannot be read as an image" in failing(capsys, "predict", packed, tmp_path / "text.png")
    (tmp_path / "cut.xnor").write_bytes(packed.read_bytes()[:-100])
    assert "cut.xnor" in failing(capsys, "evaluate", tmp_path / "cut.xnor")
    assert "shape 'x'" in failing(capsys, "bench", "kernels", "--shapes", "x")
    assert "lenet5" in failing(capsys, "bench", "model", "lenet")
    assert not (tmp_path / "x.xnor").exists()


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["unknown"], ["export", "x.ckpt"], ["predict"], ["bench", "nothing"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2


@pytest.mark.skipif(not os.environ.get("XNORKIT_DATA"), reason="XNORKIT_DATA names no folder with mnist")
def test_mnist_checkpoint_is_evaluated_from_a_given_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = os.environ["XNORKIT_DATA"]
    recipe = ["train", "lenet5-mnist", "epochs=1", "batch_size=1024", "--data", root, "--output", str(tmp_path)]
    assert main([*recipe, "--json"]) == 0
    result = run_json(capsys, "evaluate", tmp_path / "last.ckpt", "--data", root)
    assert result["images"] == 10_000
    assert result["split"] == "test (official)"
    assert result["top1"] > 0.9


def test_a_warning_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(_options: object) -> None:
        warnings.warn("layer 3 is dead.", BinarizationWarning, stacklevel=1)

    monkeypatch.setattr("xnorkit.cli.recipes.run", run)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["recipes"]) == 0
    assert capsys.readouterr().err == "warning: layer 3 is dead.\n"


def test_inspect_shortens_long_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    names = [f"class {number}" for number in range(1000)]
    path = tmp_path / "many.xnor"
    write(path, pack(create_model("lenet5", 1000).eval(), (1, 28, 28), metadata={"classes": names}))
    assert main(["inspect", str(path)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("metadata classes")]
    assert line.endswith("class 3, class 4, ... (1,000 in all; --json lists them)")
    assert run_json(capsys, "inspect", path)["metadata"]["classes"] == names


def test_a_light_border_suggests_invert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, slate = np.full((40, 40), 250, np.uint8), np.zeros((40, 40), np.uint8)
    page[10:30, 18:22], slate[10:30, 18:22] = 0, 255
    for name, pixels in (("page.png", page), ("slate.png", slate)):
        Image.fromarray(pixels).save(tmp_path / name)
    both = [str(tmp_path / name) for name in ("page.png", "slate.png")]
    assert main(["predict", "lenet5-mnist", *both]) == 0
    line = capsys.readouterr().err
    assert line.startswith(f"{both[0]}: the border is light")
    assert line.endswith("add --invert.\n")
    assert main(["predict", "lenet5-mnist", both[0], "--invert"]) == 0
    assert capsys.readouterr().err == ""
