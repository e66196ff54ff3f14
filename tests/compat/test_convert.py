"""`xnorkit convert`: an old file becomes a checkpoint that is evaluated, exported, inspected and trained on."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from legacy_files import NIN, LeNet5, bnn_resnet18, in_parallel, randomize_, save, state_of
from make_data import make

from xnorkit import runtime
from xnorkit.cli.main import main
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer
from xnorkit.train import load_checkpoint, read_checkpoint


@pytest.fixture
def lenet(tmp_path: Path) -> Path:
    state = in_parallel(state_of(randomize_(LeNet5()), counters=False))
    return save({"acc": 99.23, "state_dict": state}, tmp_path / "LeNet_5.best.pth.tar", "python2")


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(list(map(str, words))) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_lenet(lenet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new, packed = tmp_path / "sub" / "new.ckpt", tmp_path / "new.xnor"
    # The digits need no folder; MNIST itself, the default, has 55 MB.
    report = answer(capsys, "convert", lenet, "data.name=digits", "-o", new)
    assert report["layout"] == "XNOR-Net-PyTorch, LeNet-5 on MNIST"
    assert report["top1"] == pytest.approx(0.9923)
    assert report["matched"]["bin_ip1.linear.weight"] == ["block3.linear.weight"]
    content = read_checkpoint(new)
    assert (content.mean, content.std, content.num_classes) == ((0.1307,), (0.3081,), 10)
    assert content.recipe.data.name == "digits"
    top1 = answer(capsys, "evaluate", new)["top1"]
    proof = answer(capsys, "export", new, "-o", packed, "--images", 30)
    assert proof["images_checked"] == proof["predictions_equal"] == 30
    assert answer(capsys, "evaluate", packed)["images"] == 360
    assert 0 <= top1 <= 1
    total = answer(capsys, "inspect", new)["total"]
    assert total["params"] == 431_220


def test_nin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make("cifar10-whitened", tmp_path / "data")
    old = save({"best_acc": 86.28, "state_dict": state_of(randomize_(NIN()))}, tmp_path / "nin.best.pth.tar", "old")
    new = tmp_path / "nin.ckpt"
    assert main(["convert", str(old), "-o", str(new)]) == 0
    assert "all 59 matched" in capsys.readouterr().out
    assert answer(capsys, "evaluate", new, "--data", data)["images"] == 32
    proof = answer(capsys, "export", new, "-o", tmp_path / "nin.xnor", "--data", data, "--images", 4)
    assert proof["images_checked"] == 4


def test_bnn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer.with_args(center_weights=True))
    ignored = ["_first_", "_last_", "$downsample$"]
    reference = randomize_(prepare_binary_model(bnn_resnet18(2), config, ignore_layers_name=ignored)).eval()
    old, new = save(state_of(reference), tmp_path / "resnet.pth"), tmp_path / "resnet.ckpt"
    words = ["stages.0.weight.args.center_weights=true", "data.image_size=64"]
    assert main(["convert", str(old), *words, "-o", str(new)]) == 0
    printed = capsys.readouterr().out
    assert "assumed 1  " in printed
    assert "XNORWeightBinarizer" in printed
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    model, recipe = load_checkpoint(new)
    assert recipe.name == "bnn-resnet18"
    with torch.no_grad():
        assert torch.equal(model(x), reference(x))
    data = make("imagefolder", tmp_path / "data")
    assert answer(capsys, "evaluate", new, "--data", data)["images"] == 8
    proof = answer(capsys, "export", new, "-o", tmp_path / "resnet.xnor", "--data", data, "--images", 2)
    assert proof["images_checked"] == 2
    assert runtime.load(tmp_path / "resnet.xnor").input_shape == (3, 64, 64)


def test_a_run_starts_with_it_but_does_not_resume(
    lenet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new.ckpt"
    assert main(["convert", str(lenet), "--recipe", "lenet5-digits", "-o", str(new)]) == 0
    train = ["train", "lenet5-digits", "--output", tmp_path / "run"]
    assert "holds weights alone; required: a last.ckpt" in refusal(capsys, *train, "--resume", new)
    assert main([*map(str, train), "--pretrained", str(new), "--fast-dev-run"]) == 0
    assert "pretrained: " in capsys.readouterr().err


def test_mistakes(lenet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = lenet.read_bytes()
    for output in (lenet, tmp_path, tmp_path / "model.xnor"):
        assert "required: the name of another file" in refusal(capsys, "convert", lenet, "-o", output)
    assert lenet.read_bytes() == before
    new = tmp_path / "new.ckpt"
    assert "unknown recipe 'nin-cifar'" in refusal(capsys, "convert", lenet, "--recipe", "nin-cifar", "-o", new)
    assert "lenet5" in refusal(capsys, "convert", lenet, "model.nam=lenet5", "-o", new)
    other = refusal(capsys, "convert", lenet, "--recipe", "nin-cifar10-seed", "-o", new)
    assert "for model 'nin-cifar10': 0 of 18 tensors fit" in other
    (tmp_path / "file").touch()
    assert "cannot be written" in refusal(capsys, "convert", lenet, "-o", tmp_path / "file" / "new.ckpt")
    assert not new.exists()
