"""Old checkpoints: every layout and way of saving gives the network that their own code evaluates, or a refusal."""

import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from legacy_files import NIN, LeNet5, bnn_resnet18, in_parallel, randomize_, save, state_of
from torch import Tensor, nn

from xnorkit.compat import BinOp, load_legacy_checkpoint
from xnorkit.compat.bnn_layout import bnn_recipe
from xnorkit.compat.legacy_layouts import LAYOUTS, layout_of
from xnorkit.errors import InputError
from xnorkit.models import create_model
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, BasicScaleBinarizer, InputBiasBinarizer, XNORWeightBinarizer


@pytest.fixture(scope="module")
def lenet() -> OrderedDict[str, Tensor]:
    return state_of(randomize_(LeNet5()))


def evaluated(model: nn.Module, x: Tensor, layers: str) -> Tensor:
    """Return what their code returns for `x`: binarized by BinOp, in evaluation mode."""
    model.eval()
    bin_op = BinOp(model, layers)  # type: ignore[arg-type]
    bin_op.binarization()
    with torch.no_grad():
        return model(x)


@pytest.mark.parametrize(
    ("theirs", "how", "module"), [(LeNet5, "zip", False), (LeNet5, "python2", True), (NIN, "old", True)]
)
def test_it_answers_as_their_code(theirs: type[nn.Module], how: str, module: bool, tmp_path: Path) -> None:
    mnist = theirs is LeNet5
    content, layers = ("acc", "conv+linear") if mnist else ("best_acc", "conv")
    shape = (1, 28, 28) if mnist else (3, 32, 32)
    reference = randomize_(theirs())
    state = state_of(reference, counters=how == "zip")
    path = save({content: 86.28, "state_dict": in_parallel(state) if module else state}, tmp_path / "old.pth.tar", how)
    model, report = load_legacy_checkpoint(path)
    assert not model.training
    assert report.top1 == pytest.approx(0.8628)
    assert len(report.matched) == len(state)
    assert bool(report.absent_counters) == (how != "zip")
    # In float64, where the order of their sums moves no sign: they convolve with alpha sign(W), we scale afterwards.
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = evaluated(reference.double(), x, layers)
    assert expected.abs().max() > 0.1
    with torch.no_grad():
        torch.testing.assert_close(model.double()(x), expected, rtol=1e-4, atol=1e-5)


def test_weights_are_centred_then_clamped(lenet: OrderedDict[str, Tensor], tmp_path: Path) -> None:
    model, _ = load_legacy_checkpoint(save({"acc": 99.0, "state_dict": lenet}, tmp_path / "old.pth"))
    w = lenet["bin_conv2.conv.weight"]
    latent = (w - w.mean(1, keepdim=True)).clamp(-1, 1)
    assert (latent.abs() == 1).any()
    assert torch.equal(model.block2.conv.weight, latent)
    torch.testing.assert_close(model.block2.conv.alpha(), latent.abs().mean((1, 2, 3)))
    assert torch.equal(model.block2.bn.weight, lenet["bin_conv2.bn.weight"].clamp(min=0.01))
    assert torch.equal(model.classifier.weight, lenet["ip2.weight"])
    assert torch.equal(model.bn1.running_mean, lenet["bn_conv1.running_mean"])


def alexnet_state(classes: int = 1000) -> OrderedDict[str, Tensor]:
    """Return AlexNet's tensors, each one number behind its shape: a file of a few kilobytes."""
    with torch.device("meta"):
        shapes = {name: t.shape for name, t in create_model("alexnet", classes).state_dict().items()}
    counts = (float(index % 7) for index in range(len(shapes)))
    return OrderedDict(
        (name, torch.tensor(count).expand(shape) if shape else torch.tensor(5))
        for (name, shape), count in zip(shapes.items(), counts, strict=True)
    )


def test_alexnet(tmp_path: Path) -> None:
    state = alexnet_state(7)
    content = {
        "epoch": 95,
        "arch": "alexnet",
        "state_dict": in_parallel(state, "features"),
        "best_prec1": torch.tensor([43.3]),
        "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-3}]},
    }
    model, report = load_legacy_checkpoint(save(content, tmp_path / "alexnet.pth.tar", "old"))
    assert "features.module.4.conv.weight" in content["state_dict"]
    assert (report.layout, report.model) == ("XNOR-Net-PyTorch, AlexNet on ImageNet", "alexnet")
    assert report.top1 == pytest.approx(0.433)
    assert report.epochs == 95
    assert model.classifier[4].out_features == 7
    assert torch.equal(model.classifier[4].weight, state["classifier.4.weight"])
    # Equal weights are 0 once centred, and are reported, as 0 has another sign here.
    assert report.zero_weights == 58_236_928
    assert torch.equal(model.features[4].bn.weight, state["features.4.bn.weight"])


CONFIG = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)
FLOAT = ["_first_", "_last_", "$downsample$"]


@pytest.mark.parametrize("key", ["state_dict", "net", None])
def test_bnn_resnet(key: str | None, tmp_path: Path) -> None:
    reference = randomize_(prepare_binary_model(bnn_resnet18(10), CONFIG, ignore_layers_name=FLOAT)).eval()
    state = in_parallel(state_of(reference)) if key == "net" else state_of(reference)
    content = state if key is None else {"epoch": 3, "arch": "resnet18", key: state, "best_acc1": torch.tensor(52.0)}
    model, report = load_legacy_checkpoint(save(content, tmp_path / "resnet.pth"))
    assert report.layout == "bnn, ResNet"
    assert report.matched["layer1.0.act1.weight"] == tuple(f"layer1.0.act1.{p}" for p in ("beta", "gamma", "zeta"))
    assert report.epochs == (None if key is None else 3)
    assert any("XNORWeightBinarizer" in sentence for sentence in report.assumed)
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference(x), rtol=0, atol=0)


def test_bnn_recipes_follow_the_names() -> None:
    def names(model: nn.Module) -> dict[str, Tensor]:
        return dict(model.state_dict())

    recipe, assumed = bnn_recipe(names(create_model("resnet34", 1000, "float", block_type="basic")))
    assert recipe.model.name == "resnet34"
    assert recipe.model.options == {"block_type": "basic", "stem_type": "basic", "rprelu": False}
    assert recipe.stages[0].ignore_layers == ["_first_", "_last_"]
    assert recipe.data.name == "imagenet"
    assert len(assumed) == 4
    shifted = BConfig(InputBiasBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)
    model = prepare_binary_model(bnn_resnet18(2, stem="dabnn"), shifted, ignore_layers_name=["conv1", "fc"])
    recipe, assumed = bnn_recipe(names(model))
    assert recipe.model.options == {"block_type": "prebasic", "stem_type": "dabnn", "rprelu": True}
    stage = recipe.stages[0]
    assert stage.pre_activation is not None
    assert stage.pre_activation.name == "InputBiasBinarizer"
    parts = ["conv1", "conv2_1", "conv2_2", "conv3"]
    assert stage.ignore_layers == [*(f"conv1.{part}.0" for part in parts), "fc"]
    assert recipe.data.name == "imagefolder"
    assert len(assumed) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["layer1.0.conv3.weight"], "with a third convolution each, but it must have "),
        (["layer5.0.conv1.weight"], re.escape("the ResNet has (2, 2, 2, 2, 1) blocks, but")),
        (["layer1.0.conv1.activation_post_process.kappa"], "activation_post_process.kappa, but these must be of Basic"),
    ],
)
def test_other_resnets_are_refused(names: list[str], message: str) -> None:
    with torch.device("meta"):
        state = dict(bnn_resnet18(10).state_dict())
    with pytest.raises(InputError, match=message):
        bnn_recipe(state | dict.fromkeys(names, torch.zeros(1)))


def test_tensors_without_dimensions_are_of_another_shape(tmp_path: Path) -> None:
    with torch.device("meta"):
        names = list(create_model("resnet18", 10, "float", block_type="prebasic").state_dict())
    with pytest.raises(InputError, match=r"20 of 122 tensors fit, .* Of another shape: bn1\.weight \(\), not \(64,\)"):
        load_legacy_checkpoint(save(dict.fromkeys(names, torch.zeros(())), tmp_path / "old.pth"))


def test_into_a_model_of_ones_own(lenet: OrderedDict[str, Tensor], tmp_path: Path) -> None:
    path = save({"acc": 99.0, "state_dict": lenet}, tmp_path / "old.pth")
    own = LeNet5()
    model, report = load_legacy_checkpoint(path, own)
    assert model is own
    assert report.model == "LeNet5"
    assert report.matched["ip2.weight"] == ("ip2.weight",)
    # Its layers are float ones, which BinOp binarizes: they keep the latent weights as they are.
    assert torch.equal(own.bin_conv2.conv.weight, lenet["bin_conv2.conv.weight"])
    ours = create_model("lenet5")
    load_legacy_checkpoint(path, ours)
    assert ours.training
    with pytest.raises(InputError, match=r"for model 'NINCifar10': 0 of 21 tensors fit"):
        load_legacy_checkpoint(path, create_model("nin-cifar10"))


def test_names_that_do_not_fit_are_listed(lenet: OrderedDict[str, Tensor], tmp_path: Path) -> None:
    state = OrderedDict(lenet)
    state["bin_ip1.linear.wait"] = state.pop("bin_ip1.linear.weight")
    state["extra"] = torch.zeros(1)
    del state["conv1.bias"]
    state["bin_ip1.bn.weight"] = torch.ones(800)  # as of an early version, with a mean per feature
    with pytest.raises(InputError) as caught:
        load_legacy_checkpoint(save({"acc": 1.0, "state_dict": state}, tmp_path / "old.pth"))
    message = str(caught.value)
    assert "old.pth (XNOR-Net-PyTorch, LeNet-5 on MNIST) for model 'lenet5': 18 of 21 tensors fit, but every" in message
    assert "Not in the model: bin_ip1.linear.wait (near block3.linear.weight), extra." in message
    assert "Missing in the file: conv1.bias, block3.linear.weight." in message
    assert "Of another shape: bin_ip1.bn.weight (800,), not (50,)." in message


def test_long_lists_are_cut(lenet: OrderedDict[str, Tensor], tmp_path: Path) -> None:
    state = OrderedDict(lenet) | {f"more.{index}": torch.zeros(1) for index in range(15)}
    with pytest.raises(InputError, match=r"more\.9 and 5 more\. Choose the model"):
        load_legacy_checkpoint(save({"acc": 1.0, "state_dict": state}, tmp_path / "old.pth"))


def test_every_layout_is_told_apart() -> None:
    marks = [mark for layout in LAYOUTS for mark in layout.marks]
    assert len(marks) == len(set(marks))
    for layout in LAYOUTS:
        assert layout_of(dict.fromkeys(layout.marks, torch.zeros(1)), "file") is layout
        assert layout.num_classes({}) == layout.num_classes({layout.last: torch.zeros(())}) == layout.classes
    with pytest.raises(InputError, match=r"file holds 1 tensors, conv\.weight, …, but its layout must be one of X"):
        layout_of({"conv.weight": torch.zeros(1)}, "file")
