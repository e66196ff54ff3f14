"""prepare_binary_model and convert: which layers change, what survives, what is refused."""

from types import MappingProxyType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.nn import (
    BConfig,
    BinaryConv1d,
    BinaryConv2d,
    BinaryConv3d,
    BinaryConvTranspose2d,
    BinaryLinear,
    convert,
    prepare_binary_model,
)
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    InputBiasBinarizer,
    LearnableScaleWeightBinarizer,
    RPReLU,
    XNORWeightBinarizer,
)

CONFIG = BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)
OTHER = BConfig(InputBiasBinarizer)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.bn(self.conv1(x)))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.body = nn.Sequential(Block(), Block())
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.stem(x)).mean((2, 3)))


LAYERS = ["stem", "body.0.conv1", "body.0.conv2", "body.1.conv1", "body.1.conv2", "head"]


def binary(model: nn.Module) -> list[str]:
    return [name for name, m in model.named_modules() if isinstance(m, BinaryConv2d | BinaryLinear)]


def test_in_place_and_every_kind_of_layer() -> None:
    kinds = {
        nn.Linear(2, 3): BinaryLinear,
        nn.Conv1d(2, 3, 1): BinaryConv1d,
        nn.Conv2d(2, 3, 1): BinaryConv2d,
        nn.Conv3d(2, 3, 1): BinaryConv3d,
        nn.ConvTranspose2d(2, 3, 1): BinaryConvTranspose2d,
    }
    model = nn.Sequential(*kinds, nn.ConvTranspose1d(2, 3, 1), nn.BatchNorm1d(3))
    before = list(model.parameters())
    config = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
    assert prepare_binary_model(model, config, ignore_layers_name=["5"]) is model
    assert [type(m) for m in model][:5] == list(kinds.values())
    assert [type(m) for m in model][5:] == [nn.ConvTranspose1d, nn.BatchNorm1d]
    assert all(a is b for a, b in zip(before, model.parameters(), strict=True))


def test_a_model_that_is_one_layer_is_returned_anew() -> None:
    layer = nn.Linear(4, 3)
    made = prepare_binary_model(layer, CONFIG)
    assert type(made) is BinaryLinear
    assert made.weight is layer.weight


@pytest.mark.parametrize(
    ("ignored", "swapped"),
    [
        (["_first_"], LAYERS[1:]),
        (["_last_"], LAYERS[:-1]),
        (["_first_", "_last_"], LAYERS[1:-1]),
        (["body.0.conv1"], [LAYERS[0], *LAYERS[2:]]),
        ([r"$\.conv2$$"], ["stem", "body.0.conv1", "body.1.conv1", "head"]),
        (["$conv$"], ["stem", "head"]),
        (["body.1", "head"], LAYERS[:3]),
        (["body"], ["stem", "head"]),
    ],
    ids=str,
)
def test_ignored_layers(ignored: list[str], swapped: list[str]) -> None:
    assert binary(prepare_binary_model(Net(), CONFIG, ignore_layers_name=ignored)) == swapped


def test_names_that_a_model_has_for_its_layers() -> None:
    class Named(Net):
        layer_aliases = MappingProxyType({"first": "stem", "blocks": "body"})

    model = prepare_binary_model(Named(), CONFIG, None, {"first": BConfig()}, ["blocks"])
    assert binary(model) == ["stem", "head"]
    assert model.stem.bconfig == BConfig()
    with pytest.raises(InputError, match="'first' stands for no layer"):
        prepare_binary_model(Net(), CONFIG, None, {"first": BConfig()})


def test_custom_configs_and_their_order() -> None:
    model = prepare_binary_model(
        Net(),
        CONFIG,
        custom_config_layers_name={"body": OTHER, "body.1.conv2": BConfig(), "$0.conv1$": BConfig(), "_first_": OTHER},
        ignore_layers_name=["_last_"],
    )
    configs = {name: model.get_submodule(name).bconfig for name in LAYERS[:-1]}
    assert configs == {
        "stem": OTHER,
        "body.0.conv1": BConfig(),
        "body.0.conv2": OTHER,
        "body.1.conv1": OTHER,
        "body.1.conv2": BConfig(),
    }
    assert type(model.head) is nn.Linear


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ignore_layers_name": ["body.0.conv3"]}, "'body.0.conv3' stands for no layer.*Did you mean 'body.0.conv"),
        ({"ignore_layers_name": ["zzz"]}, "The layers are: 'stem', 'body.0.conv1'"),
        ({"ignore_layers_name": ["body.0.bn"]}, "'body.0.bn' stands for no layer"),
        ({"ignore_layers_name": ["$conv9$"]}, r"'\$conv9\$' stands for no layer"),
        ({"ignore_layers_name": ["$($"]}, r"is not a regular expression \(missing"),
        ({"ignore_layers_name": "head"}, r"'head' is a string, but it must be a list.*Pass \['head'\]"),
        ({"custom_config_layers_name": {"first_conv": BConfig()}}, "custom_config_layers_name: 'first_conv' stands"),
        ({"custom_config_layers_name": {"stem": BConfig}}, "'stem' is of type type, but it must be a BConfig"),
        ({"bconfig": None}, "'bconfig' is of type NoneType, but it must be a BConfig"),
        ({"modules_mapping": {nn.Linear: nn.Conv2d}}, "modules_mapping: Conv2d has no class method from_module"),
        ({"modules_mapping": {nn.Bilinear: BinaryLinear}}, "Net has no layer to swap.*Bilinear"),
    ],
)
def test_what_is_refused_leaves_the_model_alone(options: dict[str, Any], message: str) -> None:
    model = Net()
    with pytest.raises(InputError, match=message):
        prepare_binary_model(model, **{"bconfig": CONFIG, **options})
    assert binary(model) == []


def test_modules_mapping_takes_classes_of_the_user() -> None:
    class Doubled(nn.Linear):
        @classmethod
        def from_module(cls, mod: nn.Linear, bconfig: BConfig) -> "Doubled":
            made = cls(mod.in_features, mod.out_features)
            made.weight, made.bias, made.bconfig = mod.weight, mod.bias, bconfig
            return made

    model, calls = Net(), []
    model.head.register_forward_hook(lambda *_: calls.append(1))
    prepare_binary_model(model, CONFIG, modules_mapping={nn.Linear: Doubled})
    assert type(model.head) is Doubled
    assert type(model.stem) is nn.Conv2d
    model(torch.randn(1, 3, 5, 5))
    assert calls == [1]
    prepare_binary_model(model, OTHER, modules_mapping={nn.Linear: Doubled})
    assert model.head.bconfig is OTHER


def test_subclasses_are_left_alone() -> None:
    attention = nn.MultiheadAttention(4, 2)
    model = nn.Sequential(nn.Linear(4, 4), attention)
    prepare_binary_model(model, CONFIG, ignore_layers_name=["1"])
    assert type(attention.out_proj) is not BinaryLinear
    x = torch.randn(3, 1, 4)
    assert attention(x, x, x)[0].shape == x.shape


def test_a_shared_module_is_swapped_at_every_alias_and_meant_by_each_name() -> None:
    layer = nn.Linear(4, 4)
    model = nn.ModuleDict({"a": layer, "b": nn.Sequential(layer, nn.ReLU()), "c": nn.Linear(4, 4)})
    prepare_binary_model(model, CONFIG, custom_config_layers_name={"b.0": OTHER})
    assert model["a"] is model["b"][0]
    assert type(model["a"]) is BinaryLinear
    assert model["a"].bconfig is OTHER
    shared = nn.Linear(4, 4)
    model = nn.ModuleDict({"a": shared, "b": shared, "c": nn.Linear(4, 4)})
    prepare_binary_model(model, CONFIG, ignore_layers_name=["b"])
    assert model["a"] is model["b"] is shared


def test_shared_weights_and_the_optimizer_stay() -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    prepare_binary_model(model, BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer))
    assert model[1].weight is model[0].weight
    before = model[0].weight.detach().clone()
    model(torch.rand(2, 4)).sum().backward()
    optimizer.step()
    assert not torch.equal(model[0].weight, before)


def test_hooks_survive_and_their_handles_still_remove_them() -> None:
    model, calls = Net(), []
    handles = [
        model.head.register_forward_hook(lambda *_: calls.append("after")),
        model.head.register_forward_pre_hook(lambda *_: calls.append("before")),
        model.head.register_full_backward_hook(lambda *_: calls.append("back")),
        model.head.register_forward_hook(lambda m, args, kwargs, y: calls.append("kwargs"), with_kwargs=True),
    ]
    prepare_binary_model(model, CONFIG)
    model(torch.randn(1, 3, 5, 5)).sum().backward()
    assert calls == ["before", "after", "kwargs", "back"]
    for handle in handles:
        handle.remove()
    calls.clear()
    model(torch.randn(1, 3, 5, 5)).sum().backward()
    assert calls == []


def test_mode_and_requires_grad_stay() -> None:
    model = Net().eval()
    model.stem.weight.requires_grad_(False)
    prepare_binary_model(model, CONFIG)
    assert not any(m.training for m in model.modules())
    assert not model.stem.weight.requires_grad


def test_preparing_again_keeps_what_was_learned() -> None:
    config = BConfig(InputBiasBinarizer, BasicScaleBinarizer, LearnableScaleWeightBinarizer)
    layer = prepare_binary_model(nn.Conv2d(3, 4, 1), config)
    learned = [layer.activation_pre_process.bias, layer.activation_post_process.alpha, layer.weight_pre_process.alpha]
    again = prepare_binary_model(layer, BConfig(InputBiasBinarizer, BasicScaleBinarizer, LearnableScaleWeightBinarizer))
    kept = [again.activation_pre_process.bias, again.activation_post_process.alpha, again.weight_pre_process.alpha]
    assert again is not layer
    assert all(a is b for a, b in zip(learned, kept, strict=True))
    fresh = BinaryConv2d.from_module(again, config)
    assert fresh.activation_post_process.alpha is not kept[1]
    changed = prepare_binary_model(again, BConfig(BasicInputBinarizer, RPReLU, XNORWeightBinarizer))
    assert type(changed.activation_post_process) is RPReLU
    assert sum(p.numel() for p in changed.parameters()) == 12 + 4 + 3 * 4
    assert type(prepare_binary_model(changed, BConfig()).weight_pre_process) is nn.Identity


def test_layers_inside_a_process_are_not_the_models() -> None:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, y: Tensor, x: Tensor) -> Tensor:
            return y * self.linear(x).sigmoid()

    model = nn.Sequential(nn.Linear(4, 4))
    for _ in range(2):
        prepare_binary_model(model, BConfig(BasicInputBinarizer, Gate, XNORWeightBinarizer))
    assert type(model[0].activation_post_process.linear) is nn.Linear


def test_a_layer_compiled_before_runs_as_the_new_one() -> None:
    layer, x = nn.Linear(4, 3), torch.randn(2, 4)
    layer.compile(backend="eager")
    made = prepare_binary_model(layer, CONFIG)
    assert torch.equal(made(x), made.forward(x))
    assert not torch.equal(made(x), nn.functional.linear(x, made.weight, made.bias))


def test_default_layers_have_the_keys_of_float_ones() -> None:
    assert list(BinaryConv2d(2, 3, 1).state_dict()) == ["weight", "bias"]
    assert list(BinaryLinear(2, 3, bias=False).state_dict()) == ["weight"]


def test_scale_switched_off_holds_until_another_config() -> None:
    layer = BinaryLinear(4, 2, scale=False)
    assert not BinaryLinear.from_module(layer).scale
    assert BinaryLinear.from_module(layer, CONFIG).scale


@pytest.mark.parametrize(
    ("mod", "bconfig", "message"),
    [
        (nn.Conv2d(1, 1, 1), CONFIG, "received Conv2d, but it must be exactly Linear or BinaryLinear"),
        (nn.Linear(1, 1), None, r"bconfig is NoneType, but it must be a BConfig.*layer.bconfig = BConfig\(...\)"),
    ],
)
def test_from_module_refuses(mod: nn.Module, bconfig: BConfig | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        BinaryLinear.from_module(mod, bconfig)


@pytest.mark.parametrize("prepare", [lambda model: prepare_binary_model(model, CONFIG), convert])
def test_something_that_is_no_module_is_refused(prepare: Any) -> None:
    with pytest.raises(InputError, match="model is NoneType, but it must be"):
        prepare(None)


def test_convert_swaps_what_carries_a_config() -> None:
    model = Net()
    model.body[0].conv1.bconfig = CONFIG
    model.body[1].conv2.bconfig = OTHER
    assert convert(model) is model
    assert binary(model) == ["body.0.conv1", "body.1.conv2"]
    first, second = model.body[0].conv1, model.body[1].conv2
    assert (first.bconfig, second.bconfig) == (CONFIG, OTHER)
    second.bconfig = CONFIG
    convert(model)
    assert model.body[0].conv1 is first
    assert type(model.body[1].conv2.activation_post_process) is BasicScaleBinarizer


def test_convert_refuses_what_it_cannot_swap() -> None:
    model = Net()
    model.body[0].bn.bconfig = CONFIG
    with pytest.raises(InputError, match=r"'body.0.bn' is a BatchNorm2d with a bconfig of type BConfig, but it must"):
        convert(model)
    model = Net()
    model.head.bconfig = BConfig
    with pytest.raises(InputError, match="'head' is a Linear with a bconfig of type type"):
        convert(model)


def test_convert_leaves_containers_that_keep_a_config_alone() -> None:
    model = Net()
    model.body[0].bconfig = CONFIG
    model.head.bconfig = CONFIG
    assert binary(convert(model)) == ["head"]
