"""sign(0) = 0 of older code is kept: activations 0 and 1 behind ReLUs, or a refusal that counts."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from legacy_files import bnn_resnet18, randomize_, save, state_of
from make_data import make
from torch import Tensor, nn

from xnorkit.cli.main import main
from xnorkit.compat import load_legacy_checkpoint
from xnorkit.compat.zero_inputs import count_sign_inputs
from xnorkit.errors import BinarizationWarning, InputError
from xnorkit.models import create_model
from xnorkit.nn import BConfig, BinaryConv2d, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, BasicScaleBinarizer, SteHeavisideBinarizer, XNORWeightBinarizer
from xnorkit.train import load_checkpoint

State = dict[str, Tensor]
CONFIG = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)
ENDS = ["_first_", "_last_"]


def settled(model: nn.Module) -> nn.Module:
    """Return it with random weights and the statistics of its own values, as training leaves them; a part is at 0."""
    zero_one = replace(CONFIG, activation_pre_process=SteHeavisideBinarizer)
    randomize_(prepare_binary_model(model, zero_one, ignore_layers_name=ENDS))
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        nn.init.constant_(norm.bias, -0.3)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _ in range(4):
            model.train()(torch.randn(8, 3, 64, 64, generator=generator))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BinarizationWarning)
        return prepare_binary_model(model, CONFIG, ignore_layers_name=ENDS).eval()


def default_block(classes: int = 10, stem: str = "cifar") -> nn.Module:
    """Return the package's ResNet-18 with its default block, whose convolutions read the output of a ReLU."""
    model = create_model("resnet18", classes, "float", block_type="basic", stem_type=stem)
    return settled(model)


class Theirs:
    """The package's own formulas in plain torch, from the tensors of its file: torch.sign, whose sign(0) is 0."""

    def __init__(self, state: State, pre: bool) -> None:
        self.state, self.pre = {name: t.double() for name, t in state.items() if t.is_floating_point()}, pre

    def norm(self, name: str, x: Tensor) -> Tensor:
        parts = (self.state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts)

    def binary(self, name: str, x: Tensor, stride: int = 1, padding: int = 1) -> Tensor:
        w, post = self.state[f"{name}.weight"], self.state[f"{name}.activation_post_process.alpha"]
        alpha = w.abs().mean((1, 2, 3), keepdim=True)
        if self.pre:  # a ReLU follows: their sums of alpha, where signs cancel, are not 0 but what rounding leaves
            return F.conv2d(x.sign(), w.sign(), None, stride, padding) * alpha.view(-1, 1, 1) * post
        return F.conv2d(x.sign(), w.sign() * alpha, None, stride, padding) * post

    def block(self, name: str, x: Tensor, stride: int) -> Tensor:
        identity = x
        if f"{name}.downsample.1.weight" in self.state:
            if stride > 1:
                identity = F.avg_pool2d(x, stride, stride, ceil_mode=True, count_include_pad=False)
            identity = self.norm(f"{name}.downsample.2", self.binary(f"{name}.downsample.1", identity, padding=0))
        if self.pre:
            y = self.binary(f"{name}.conv1", self.norm(f"{name}.bn1", x), stride).relu()
            return self.binary(f"{name}.conv2", self.norm(f"{name}.bn2", y)).relu() + identity
        y = self.norm(f"{name}.bn1", self.binary(f"{name}.conv1", x, stride)).relu()
        return (self.norm(f"{name}.bn2", self.binary(f"{name}.conv2", y)) + identity).relu()

    def __call__(self, x: Tensor) -> Tensor:
        seven = self.state["conv1.weight"].shape[-1] == 7
        x = F.conv2d(x, self.state["conv1.weight"], None, 2 if seven else 1, 3 if seven else 1)
        x = self.norm("bn1", x).relu()
        x = F.max_pool2d(x, 3, 2, 1) if seven else x
        for layer in range(1, 5):
            for index in range(2):
                x = self.block(f"layer{layer}.{index}", x, 2 if layer > 1 and index == 0 else 1)
        return F.linear(x.mean((2, 3)), self.state["fc.weight"], self.state["fc.bias"])


def pre_block(classes: int = 10) -> nn.Module:
    """Return one with a BatchNorm in front of the 3x3 convolutions; its first binary shortcut reads sums of ReLUs."""
    return settled(bnn_resnet18(classes, lambda channels: nn.ReLU()))  # type: ignore[arg-type]


@pytest.mark.parametrize(("make_model", "pre"), [(lambda: default_block(stem="basic"), False), (pre_block, True)])
def test_a_converted_resnet_answers_as_their_formula(
    make_model: Callable[[], nn.Module], pre: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = state_of(make_model())
    old, new = save(state, tmp_path / "old.pth"), tmp_path / "new.ckpt"
    assert main(["convert", str(old), "data.image_size=64", "-o", str(new), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    model, recipe = load_checkpoint(new)
    binary = {name: m for name, m in model.named_modules() if isinstance(m, BinaryConv2d)}
    zero_one = {n for n, m in binary.items() if isinstance(m.activation_pre_process, SteHeavisideBinarizer)}
    assert zero_one == set(report["zero_one"]) == set(recipe.stages[-1].zero_one_layers)
    assert zero_one == ({"layer2.0.downsample.1"} if pre else set(binary))
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = Theirs(state, pre)(x)
    assert expected.std(0).max() > 1e-3, "the answers differ by image"
    with torch.no_grad():
        torch.testing.assert_close(model.double().eval()(x), expected, rtol=1e-9, atol=1e-9)
    loaded, _ = load_legacy_checkpoint(old)
    with torch.no_grad():
        assert torch.equal(loaded.double()(x), model(x))


def test_it_exports_with_the_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = save(state_of(default_block(2, "basic")), tmp_path / "old.pth")
    new, data = tmp_path / "new.ckpt", make("imagefolder", tmp_path / "data")
    assert main(["convert", str(old), "data.image_size=64", "-o", str(new)]) == 0
    assert "activations 0 and 1" in capsys.readouterr().out
    words = ["export", str(new), "-o", str(tmp_path / "new.xnor"), "--data", str(data), "--images", "4", "--json"]
    assert main(words) == 0
    proof = json.loads(capsys.readouterr().out)
    assert proof["binary_outputs_equal"]
    assert proof["predictions_equal"] == proof["images_checked"] == 4


def test_a_third_value_is_refused_with_its_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A channel that its BatchNorm sets to 0, as pruning does, beside others of both signs."""
    model = pre_block()
    for part in (model.layer2[1].bn2.weight, model.layer2[1].bn2.bias):
        nn.init.zeros_(part.detach()[:3])
    old, new = save(state_of(model), tmp_path / "old.pth"), tmp_path / "new.ckpt"
    assert main(["convert", str(old), "-o", str(new)]) == 2
    error = capsys.readouterr().err
    counts = count_sign_inputs(model, torch.randn(2, 3, 64, 64))["layer2.1.conv2"]
    assert counts.zero == 3 * counts.total // 128
    # Seven images of 8 x 8 positions are tried.
    assert f"layer 'layer2.1.conv2' takes the sign of {7 * 3 * 64:,} zeros and " in error
    assert f"negative numbers of {7 * 128 * 64:,}, but bits need" in error
    assert error.count("\n") == 1
    assert not new.exists()
    with pytest.raises(InputError, match=r"zeros and .* negative numbers"):
        load_legacy_checkpoint(old)


def test_counting_leaves_the_model_as_it_was() -> None:
    model = default_block().train()
    model.layer1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    counts = count_sign_inputs(model, torch.randn(2, 3, 16, 16))
    assert len(counts) == 20 - 1
    assert all(count.negative == 0 < count.zero for count in counts.values())
    assert modes == [module.training for module in model.modules()]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(m.activation_pre_process._forward_hooks for m in model.modules() if isinstance(m, BinaryConv2d))
