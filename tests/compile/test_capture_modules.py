"""Hooks, overridden forwards, computed weights, wrappers, modes: what modules carry is packed, or refused by name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from captured import SHAPE, STE, XN, Net, W, before, proved
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, weight_norm

from xnorkit.errors import BinarizationWarning, ExportError
from xnorkit.export import pack, verify
from xnorkit.nn import BConfig, BinaryConv2d, prepare_binary_model
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    InputBiasBinarizer,
    RPReLU,
    SteHeavisideBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)


def test_hooks_of_the_model_and_its_layers_are_part_of_it() -> None:
    model = Net(before(lambda s, x: x))
    model.register_forward_pre_hook(lambda _m, inputs: (inputs[0] * 3,))
    model.register_forward_hook(lambda _m, _i, output: output * -2)
    model.a.register_forward_hook(lambda _m, _i, output: output + 0.5)
    model.c.register_forward_pre_hook(lambda _m, inputs: (inputs[0] + 1,))
    proved(model)


POINTWISE_LAYERS = {
    "norm": lambda: nn.BatchNorm2d(8),
    "relu": nn.ReLU,
    "prelu": lambda: nn.PReLU(8),
    "sigmoid": nn.Sigmoid,
    "sign": lambda: InputBiasBinarizer(BinaryConv2d(8, 8, 3)),
    "pool": lambda: nn.MaxPool2d(2),
}


@pytest.mark.parametrize("name", POINTWISE_LAYERS)
def test_hooks_before_a_sign_count_once(name: str) -> None:
    model = Net(lambda s, x: s.end(s.a(s.p(s.n(s.c(x))))))
    model.p = POINTWISE_LAYERS[name]()
    model.p.register_forward_pre_hook(lambda _m, inputs: (inputs[0] * -2,))
    model.p.register_forward_hook(lambda _m, _i, output: 0.4 - output)
    proved(model.eval())


class Negated(RPReLU):
    def forward(self, y: Tensor, x: Tensor | None = None) -> Tensor:
        return -super().forward(y, x)


def patched_process(process: nn.Module) -> None:
    forward = process.forward
    process.forward = lambda *inputs: -forward(*inputs)


def hooked_process(process: nn.Module) -> None:
    process.register_forward_hook(lambda _m, _i, output: -output)


@pytest.mark.parametrize("change", [patched_process, hooked_process, None])
@pytest.mark.parametrize("kind", [RPReLU, BasicScaleBinarizer, XNORScaleBinarizer])
def test_changed_output_processes_are_refused_by_name(kind: type[nn.Module], change: Any) -> None:
    model = Net(lambda s, x: s.end(s.a(s.n(s.c(x)))))
    config = BConfig(BasicInputBinarizer, kind if change else Negated, XNORWeightBinarizer)
    model.a = BinaryConv2d(8, 8, 3, bconfig=config)
    if change:
        change(model.a.activation_post_process)
    with pytest.raises(ExportError, match=r"'a': a hook or a forward of its own changes"):
        pack(model.eval(), SHAPE)


def test_a_reason_in_a_sentence_ends_with_one_period() -> None:
    model = nn.Sequential(BinaryConv2d(3, 8, 3, bconfig=BConfig(BasicInputBinarizer)), nn.Flatten())
    with pytest.raises(ExportError, match=r"'0' cannot be packed: .*[^.]\.$"):
        pack(model, SHAPE)


def test_overridden_and_patched_forwards_are_not_taken_for_the_layer() -> None:
    class Doubled(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 2

    class Standardized(nn.Conv2d):
        def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            return super()._conv_forward(x, weight / weight.std(), bias)

    class Named(BinaryConv2d):
        def extra_repr(self) -> str:
            return "mine"

    torch.manual_seed(0)
    model = nn.Sequential(Doubled(3, 8, 3), Standardized(8, 8, 3), nn.BatchNorm2d(8), Named(8, 4, 4, bconfig=STE))
    packed = proved(model)
    assert [node.op for node in packed.graph.nodes][-1] == "binary_conv2d"
    patched = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 6))
    patched[0].forward = lambda x: F.conv2d(x, patched[0].weight * 3)
    proved(patched)

    class Halved(BinaryConv2d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) / 2

    with pytest.raises(ExportError, match=r"'1' \(Halved\) has a forward or method of its own"):
        pack(nn.Sequential(nn.Conv2d(3, 4, 3), Halved(4, 4, 3)), SHAPE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: parametrizations.weight_norm(nn.Conv2d(3, 8, 3)),
        lambda: parametrizations.spectral_norm(nn.Conv2d(3, 8, 3)),
        lambda: prune.l1_unstructured(nn.Conv2d(3, 8, 3), "weight", 0.5),
        lambda: parametrizations.weight_norm(BinaryConv2d(3, 8, 3, bconfig=XN)),
        pytest.param(
            lambda: weight_norm(nn.Conv2d(3, 8, 3)), marks=pytest.mark.filterwarnings("ignore::FutureWarning")
        ),
    ],
    ids=["weight_norm", "spectral_norm", "prune", "binary weight_norm", "old weight_norm"],
)
def test_weights_that_are_computed(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    proved(nn.Sequential(make(), nn.BatchNorm2d(8), BinaryConv2d(8, 4, 6, bconfig=STE)).eval())


def test_default_arguments_and_sync_batch_norm() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.SyncBatchNorm(4), BinaryConv2d(4, 2, 6, bconfig=STE))

        def forward(self, x: Tensor, mask: Tensor | None = None, scale: float = 2.0, **kw: Any) -> Tensor:
            x = self.net(x) * scale
            return x if mask is None else x * mask

    torch.manual_seed(0)
    proved(Masked())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it is imported for torch.compile
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nn.DataParallel, r"wrapped in DataParallel, but it must be bare\. Pass `model\.module`"),
        (torch.compile, r"wrapped in OptimizedModule, but it must be bare\. Pass `model\._orig_mod`"),
        (lambda m: nn.Sequential(m, nn.LazyLinear(3)), "lazy layers that have not seen an image"),
    ],
)
def test_wrappers_say_what_to_pack(make: Callable[[nn.Module], nn.Module], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        pack(make(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())), SHAPE)


def test_a_second_input_is_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    with pytest.raises(ExportError, match="does not take one argument"):
        pack(Two(), SHAPE)


def test_float_sums_of_binary_weights_in_front_of_a_sign() -> None:
    torch.manual_seed(0)
    proved(
        nn.Sequential(
            BinaryConv2d(3, 8, 3, bconfig=W), nn.BatchNorm2d(8), BinaryConv2d(8, 8, 3, bconfig=STE), nn.Flatten(),
            nn.Linear(128, 4),
        )
    )  # fmt: skip


def test_layers_in_place_behind_binary_ones() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1)),
        *(nn.BatchNorm2d(8), nn.Hardtanh(inplace=True), nn.Conv2d(8, 8, 3), nn.LeakyReLU(0.1, inplace=True)),
        *(nn.Flatten(), nn.Linear(128, 4)),
    )
    prepare_binary_model(model, STE, ignore_layers_name=["_first_", "_last_"], activations="auto")
    assert isinstance(model[3].activation_pre_process, SteHeavisideBinarizer)  # behind the ReLU
    proved(model.eval())


def test_classes_and_modes_of_the_model_stay() -> None:
    class Quiet(nn.Sequential):
        def train(self, mode: bool = True) -> None:  # type: ignore[override]
            super().train(mode)

    model = Quiet(parametrizations.weight_norm(nn.Conv2d(3, 8, 3)), BinaryConv2d(8, 4, 6, bconfig=STE), nn.Flatten())
    kinds = [type(module) for module in model.modules()]
    pack(model, SHAPE)
    assert [type(module) for module in model.modules()] == kinds
    assert all(module.training for module in model.modules())
    assert torch.isfinite(model[0].weight).all()


def test_padding_that_is_set_later_counts() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), BinaryConv2d(8, 4, 6, bconfig=STE), nn.Flatten())
    model[0].padding = (0, 0)
    proved(model)


def test_dead_signs_are_named() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), BinaryConv2d(8, 8, 3, bconfig=STE), nn.Hardtanh(0, 1)]
    model = nn.Sequential(*layers, BinaryConv2d(8, 4, 4, bconfig=STE), nn.Flatten())
    with pytest.warns(BinarizationWarning, match="every input bit of 2, 4 is the same for every image"):
        pack(model, SHAPE)


def test_a_negative_variance_is_refused_by_name() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), BinaryConv2d(8, 4, 6, bconfig=STE))
    model[1].running_var.fill_(-1)
    with pytest.raises(ExportError, match="'1' has a scale or bias that is not finite"):
        pack(model, SHAPE)


def test_verify_sees_a_model_that_changed_its_steps() -> None:
    model = Net(before(lambda s, x: x))
    graph = pack(model, SHAPE)
    model.call = before(lambda s, x: x.relu() - 0.1)
    with pytest.raises(ExportError, match="differs from the trained model"):
        verify(model, graph, torch.randn(2, *SHAPE))
