"""`xnorkit convert`: an old file becomes a checkpoint that is evaluated, exported, inspected and trained on."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from legacy_files import NIN, LeNet5, bnn_resnet18, in_parallel, randomize_, save, state_of
from make_data import make, random_images
from PIL import Image

from xnorkit import runtime
from xnorkit.app.trained import prepared_by
from xnorkit.cli.main import main
from xnorkit.compat import convert_checkpoint, load_legacy_checkpoint
from xnorkit.compat.legacy_layouts import LAYOUTS
from xnorkit.data import DataOptions, MemoryData, Split, registry
from xnorkit.data.cifar import CIFAR10, MEAN10, STD10
from xnorkit.errors import InputError
from xnorkit.format import Preparation
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer
from xnorkit.train import load_checkpoint, load_recipe, read_checkpoint
from xnorkit.train.checkpoint import write_weights
from xnorkit.train.load_recipe import overridden


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
    assert "holds weights alone, but to resume it must be a last.ckpt" in refusal(capsys, *train, "--resume", new)
    assert main([*map(str, train), "--pretrained", str(new), "--fast-dev-run"]) == 0
    assert "pretrained: " in capsys.readouterr().err


def test_mistakes(lenet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = lenet.read_bytes()
    for output in (lenet, tmp_path, tmp_path / "model.xnor"):
        assert "must be another file" in refusal(capsys, "convert", lenet, "-o", output)
    assert lenet.read_bytes() == before
    new = tmp_path / "new.ckpt"
    assert "'nin-cifar' is neither a recipe" in refusal(capsys, "convert", lenet, "--recipe", "nin-cifar", "-o", new)
    assert "lenet5" in refusal(capsys, "convert", lenet, "model.nam=lenet5", "-o", new)
    other = refusal(capsys, "convert", lenet, "--recipe", "nin-cifar10-seed", "-o", new)
    assert "for model 'nin-cifar10': 0 of 18 tensors fit" in other
    (tmp_path / "file").touch()
    assert "cannot be written" in refusal(capsys, "convert", lenet, "-o", tmp_path / "file" / "new.ckpt")
    assert not new.exists()


@pytest.fixture
def nin(tmp_path: Path) -> Path:
    return save({"best_acc": 86.28, "state_dict": state_of(randomize_(NIN()))}, tmp_path / "nin.best.pth.tar")


@pytest.fixture
def cifar10(monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """Put 24 images in the place of CIFAR-10 and return them; their labels are set by `label`."""
    images = torch.from_numpy(random_images(0, 24, 3, 32, 32).copy())
    split = Split(images, torch.zeros(24, dtype=torch.int64))
    data = MemoryData(
        name="cifar10",
        classes=CIFAR10,
        mean=MEAN10,
        std=STD10,
        split_name="batch 5 (of the training set)",
        options=DataOptions(),
        train=split,
        test=split,
    )
    monkeypatch.setitem(registry._DATA, "cifar10", lambda root, options: data)
    return images


def label(images: torch.Tensor, old: Path, mean: Sequence[float], std: Sequence[float], transposed: bool) -> None:
    """Give CIFAR-10 the labels that the old network gives to its images, prepared so by hand."""
    x = (images.float() / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    x = x.transpose(2, 3).contiguous() if transposed else x
    with torch.no_grad():
        labels = load_legacy_checkpoint(old)[0](x).argmax(1)
    registry._DATA["cifar10"](None, DataOptions()).test.labels.copy_(labels)


@pytest.mark.parametrize(("kind", "transposed"), [("plain", False), ("transposed", True)])
def test_nin_of_pixels(
    kind: str, transposed: bool, nin: Path, cifar10: torch.Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    new, packed, ship = nin.parent / "nin.ckpt", nin.parent / "nin.xnor", nin.parent / "ship.png"
    label(cifar10, nin, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), transposed)
    report = answer(capsys, "convert", nin, "--input", kind, "-o", new)
    assert report["assumed"] == [
        "pixels are normalised, (pixel / 255 - mean) / std with mean 0.485,0.456,0.406 and std 0.229,0.224,0.225, "
        "those of ImageNet; else give mean and std"
    ]
    found = answer(capsys, "evaluate", new)
    assert (found["data"], found["split"], found["top1"]) == ("cifar10", "batch 5 (of the training set)", 1)
    proof = answer(capsys, "export", new, "-o", packed)
    assert proof["split"] == "batch 5 (of the training set)"
    found = answer(capsys, "evaluate", packed)
    assert (found["split"], found["top1"]) == ("batch 5 (of the training set)", 1)
    spec = runtime.load(packed).graph.input
    assert spec.preparation == Preparation(transposed=transposed)
    Image.fromarray(cifar10[0].permute(1, 2, 0).numpy()).save(ship)
    best = answer(capsys, "predict", packed, ship)["predictions"][0]["classes"][0]["class"]
    assert best == CIFAR10[registry._DATA["cifar10"](None, DataOptions()).test.labels[0]]


def test_nin_of_pixels_normalised_otherwise(
    nin: Path, cifar10: torch.Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "nin.ckpt"
    label(cifar10, nin, (0.5, 0.5, 0.5), (0.25, 0.25, 0.5), False)
    words = ["--input", "plain", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.5"]
    assert answer(capsys, "convert", nin, *words, "-o", new)["assumed"] == []
    assert answer(capsys, "evaluate", new)["top1"] == 1


def test_nin_is_assumed_to_be_of_whitened_floats(
    nin: Path, cifar10: torch.Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, packed = tmp_path / "nin.ckpt", tmp_path / "nin.xnor"
    assumed = answer(capsys, "convert", nin, "-o", new)["assumed"]
    assert assumed == [
        "images are the whitened floats of the four files of XNOR-Net-PyTorch; else name the input plain or transposed"
    ]
    assert answer(capsys, "convert", nin, "--input", "whitened", "-o", new)["assumed"] == []
    assert "data 'cifar10' gives pixels, and " in refusal(capsys, "evaluate", new, "--data-name", "cifar10")
    folder = make("cifar10-whitened", tmp_path / "data")
    assert answer(capsys, "evaluate", new, "--data", folder)["split"].startswith(
        "test_data (which images, the files do"
    )
    answer(capsys, "export", new, "-o", packed, "--data", folder, "--images", 2)
    assert "data 'cifar10' gives pixels, and " in refusal(capsys, "evaluate", packed, "--data-name", "cifar10")
    Image.fromarray(cifar10[0].permute(1, 2, 0).numpy()).save(tmp_path / "ship.png")
    error = refusal(capsys, "predict", packed, tmp_path / "ship.png")
    assert "model 'nin-cifar10' takes prepared floats (whitened), no pixels" in error
    with pytest.raises(InputError, match="takes prepared floats"):
        runtime.load(packed)(cifar10.numpy())


def test_inputs_that_do_not_fit(lenet: Path, nin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new.ckpt"
    for words, message in (
        (
            [nin, "data.name=cifar10"],
            "yields pixels, but the file does not record .* Choose the input plain or transposed.",
        ),
        (
            [nin, "data.name=cifar10", "--input", "whitened"],
            "input whitened with data.name=cifar10, but it needs .*whitened",
        ),
        (
            [nin, "data.name=cifar10-whitened", "--input", "plain"],
            "input plain with data.name=cifar10-whitened, but it needs",
        ),
        ([nin, "--mean", "0.5,0.5,0.5", "--std", "1,1,1"], "prepared floats take neither"),
        ([nin, "--input", "plain", "--mean", "0.5,0.5,0.5"], r"std \(none\), but both must be three finite numbers"),
        ([nin, "--input", "plain", "--mean", "0,0", "--std", "1,1"], "both must be three finite numbers"),
        (
            [nin, "--input", "plain", "--mean", "0,0,0", "--std", "1,1,0"],
            "both must be three finite numbers, with std above 0",
        ),
        ([nin, "--input", "plain", "--mean", "0,0,nan", "--std", "1,1,1"], "both must be three finite numbers"),
        ([nin, "--input", "plain", "--mean", "a", "--std", "1,1,1"], "--mean is a, but it must be numbers with commas"),
        ([lenet, "--input", "plain"], "input plain for XNOR-Net-PyTorch, LeNet-5 on MNIST, but only NIN on CIFAR-10"),
        (
            [lenet, "--mean", "0.5", "--std", "1"],
            "mean and std for XNOR-Net-PyTorch, LeNet-5 on MNIST, but they are for NIN",
        ),
    ):
        assert re.search(message, refusal(capsys, "convert", *words, "-o", new))
        assert not new.exists()
    with pytest.raises(
        InputError, match=r"input upright .*, but the input must be one of whitened, plain, transposed\."
    ):
        convert_checkpoint(nin, new, images="upright")


def test_alexnet_of_caffes_database_waits_for_the_mean_image(tmp_path: Path) -> None:
    """The old file lacks it and the database has it: the checkpoint says nothing, and `export` asks for it."""
    chosen = overridden(load_recipe("alexnet-imagenet-seed"), ["data.name=imagenet-lmdb"])
    layout = next(layout for layout in LAYOUTS if "AlexNet" in layout.title)
    path = tmp_path / "alexnet.ckpt"
    write_weights(path, torch.nn.Linear(1, 1), chosen, 1000, mean=layout.mean, std=layout.std)
    assert prepared_by(read_checkpoint(path)) == (None, None)
