"""BinaryChef: the steps of the original's file, user classes, and mistakes by name."""

from pathlib import Path

import pytest
import torch
from torch import nn

from xnorkit.errors import InputError, RecipeError
from xnorkit.ops import (
    AdvancedInputBinarizer,
    BasicInputBinarizer,
    BasicScaleBinarizer,
    SteHeavisideBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.train import BinaryChef

STEPS = """
step0:
  pre_activation: {name: "BasicInputBinarizer"}
  post_activation: {name: "BasicScaleBinarizer"}
  weight: {name: "nn.Identity"}
  ignore_layer_names: ["_last_", "_first_"]
step1:
  pre_activation: {name: "AdvancedInputBinarizer", args: {derivative_funct: torch.tanh, t: 3}}
  post_activation: {name: "BasicScaleBinarizer"}
  weight: {name: "XNORWeightBinarizer", args: {compute_alpha: False, center_weights: True}}
  ignore_layer_names: ["_last_", "_first_"]
step2:
  pre_activation: {name: "BasicInputBinarizer"}
  post_activation: {name: "BasicScaleBinarizer"}
  weight: {name: "Mine", args: {factor: 2.0}}
"""


class Mine(nn.Module):
    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, w: torch.Tensor) -> torch.Tensor:
        return self.factor * w


def network(activation: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 1), activation or nn.Hardtanh(), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(16, 3)
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "steps.yaml"
    path.write_text(text)
    return path


def test_a_sign_behind_a_relu_is_zero_or_one_as_upstream(tmp_path: Path) -> None:
    model = BinaryChef(written(tmp_path, STEPS), user_modules=[Mine]).next(network(nn.ReLU()))
    assert isinstance(model[2].activation_pre_process, SteHeavisideBinarizer)


def test_the_steps_in_order(tmp_path: Path) -> None:
    chef = BinaryChef(written(tmp_path, STEPS), user_modules=[Mine])
    assert len(chef) == chef.get_num_steps() == 3
    model = chef.next(network())
    assert isinstance(model[2].activation_pre_process, BasicInputBinarizer)
    assert isinstance(model[2].weight_pre_process, nn.Identity)
    assert type(model[0]) is nn.Conv2d
    learned = model[2].activation_post_process.alpha
    with torch.no_grad():
        learned.fill_(0.5)

    model = chef.next(model)
    pre, weight = model[2].activation_pre_process, model[2].weight_pre_process
    assert isinstance(pre, AdvancedInputBinarizer)
    assert pre.t == 3
    assert isinstance(weight, XNORWeightBinarizer)
    assert (weight.compute_alpha, weight.center_weights) == (False, True)
    assert type(model[4]) is nn.Linear

    model = chef.next(model)
    assert isinstance(model[2].activation_post_process, BasicScaleBinarizer)
    assert model[2].activation_post_process.alpha is learned
    assert isinstance(model[0].weight_pre_process, Mine)
    assert model[0].weight_pre_process.factor == 2
    assert model(torch.randn(2, 3, 2, 2)).shape == (2, 3)
    with pytest.raises(RecipeError, match="step=3, but it must be from 0 to 2"):
        chef.next(model)


def test_nothing_is_evaluated(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"s: {{weight: {{name: \"open('{mark}', 'w')\"}}}}"
    with pytest.raises(RecipeError, match="is not a binarizer"):
        BinaryChef(written(tmp_path, text))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s: {weight: {name: XNORWeightBinarize}}", "s.weight: .* is not a binarizer.*XNORWeightBinarizer"),
        ("s: {weight: {name: WithArgs}}", "'WithArgs' is not a binarizer"),
        ("s: {weight: {name: Mine}}", "'Mine' is not a binarizer"),
        (
            "s: {weight: {name: XNORWeightBinarizer, args: {alpha: 1}}}",
            "those of its constructor.*compute_alpha",
        ),
        ("s: {weight: {name: XNORWeightBinarizer, args: [1]}}", "but it must be a mapping"),
        ("s: {weight: XNORWeightBinarizer}", "but it must hold name, and args"),
        ("s: {weight: {args: {}}}", "but it must hold name, and args"),
        ("a: {}\na: {}", "'a' stands twice"),
        ("s: {wieght: {name: nn.Identity}}", "fields wieght, but they must be some of pre_activation"),
        ("s: {ignore_layer_names: _last_}", "a list of names"),
        ("[a]", "holds a list, but it must hold a mapping"),
        ("s: 3", "but it must be a mapping from the name of each step"),
        ("a: b: c", "cannot be read"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        BinaryChef(written(tmp_path, text))


def test_unknown_layer_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"absent\.yaml cannot be read"):
        BinaryChef(tmp_path / "absent.yaml")
    chef = BinaryChef(written(tmp_path, "s: {ignore_layer_names: [conv9]}"))
    with pytest.raises(InputError, match="conv9"):
        chef.next(network())
    assert chef.current_step == 0
