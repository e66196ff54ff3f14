"""Names of models, what each offers, and what is refused."""

import subprocess
import sys
from typing import Any

import pytest

from xnorkit.errors import InputError, RecipeError
from xnorkit.models import BINARIZATIONS, binarizations, count_weights, create_model, input_shape, list_models
from xnorkit.nn import BinaryConv2d


def test_names() -> None:
    names = list_models()
    assert names == sorted(names)
    assert {"lenet5", "nin-cifar10", "nin", "alexnet", "resnet18-cifar10", "resnet18", "vgg-small-cifar10"} < set(names)
    assert list_models("lenet*") == ["lenet5"]
    assert list_models("zzz*") == []
    assert input_shape("lenet5") == (1, 28, 28)


def test_every_model_offers_float_bwn_and_xnor() -> None:
    for name in list_models():
        offered = binarizations(name)
        assert {"float", "bwn", "xnor"} <= set(offered) <= set(BINARIZATIONS)
        assert len(set(offered)) == len(offered)


def test_defaults() -> None:
    assert binarizations("lenet5")[0] == "xnor"
    assert binarizations("reactnet-a")[0] == "react"
    assert create_model("lenet5").classifier.out_features == 10
    assert create_model("lenet5", 7).classifier.out_features == 7
    model = create_model("reactnet-resnet18-cifar10")
    assert type(model.layer1[0].conv1.activation_pre_process).__name__ == "InputBiasBinarizer"


def test_options() -> None:
    model = create_model("resnet20-cifar10", binarization="react", shortcut_type="binary")
    assert isinstance(model.layer2[0].downsample[1], BinaryConv2d)
    dabnn = create_model("bireal-resnet18", stem_type="dabnn")
    assert not any("conv1." in name for name, m in dabnn.named_modules() if isinstance(m, BinaryConv2d))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "lenet"}, "'lenet' is not a model. Did you mean lenet5"),
        ({"name": "zzz"}, "'zzz' is not a model. Choose one of alexnet, alexnet-224"),
        ({"name": "lenet5", "binarization": "xnr"}, "'xnr' is not a binarization of model 'lenet5'. Did you mean xnor"),
        ({"name": "lenet5", "binarization": "react"}, "Choose one of xnor, xnor-k, bwn, float"),
        ({"name": "lenet5", "num_classes": 0}, "num_classes=0, but it must be at least 1"),
        ({"name": "lenet5", "block_type": "react"}, "'block_type' is not an option of model 'lenet5'. Omit it"),
        (
            {"name": "resnet18", "block": "react"},
            "'block' is not an option of model 'resnet18'. Did you mean block_type",
        ),
        (
            {"name": "bireal-resnet18", "block_type": "react"},
            "option of model 'bireal-resnet18'. Did you mean shortcut_type",
        ),
        ({"name": "resnet18", "depth": 34}, "'depth' is not an option of model 'resnet18'. Choose one of"),
    ],
)
def test_unknown_names(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        create_model(**options)


def test_plain_signs_behind_a_relu_are_refused() -> None:
    with pytest.raises(InputError, match=r"binarization='xnor' needs inputs of both signs, .* signs are all"):
        create_model("resnet20-cifar10", block_type="basic")
    for binarization in ("float", "bwn", "react"):
        create_model("resnet20-cifar10", binarization=binarization, block_type="basic")


def test_counts() -> None:
    assert count_weights("lenet5", "float") == (431_220, 0)
    assert count_weights("lenet5", "bwn").binary_weights == 425_000
    assert count_weights("resnet18", shortcut_type="binary") == (11_689_512, 11_157_504)


def test_counting_every_model_needs_no_compiler() -> None:
    """`xnorkit models` counts them all; on the meta device some operations would import sympy, for a second."""
    code = (
        "import sys; from xnorkit.models import count_weights, list_models\n"
        "for name in list_models(): count_weights(name)\n"
        "print({'sympy', 'torch._dynamo'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
