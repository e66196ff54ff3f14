"""What is packed is what the model does: mutation, aliasing, hooks, state, default arguments, views, every spelling.

Each case is a forward that users write. It is packed to the model's own numbers, or refused by one error that names
what is wrong; never another answer.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, weight_norm

from xnorkit.compile.pointwise import ACTIVATIONS
from xnorkit.errors import BinarizationWarning, ExportError
from xnorkit.export import pack, verify
from xnorkit.nn import BConfig, BinaryConv1d, BinaryConv2d, prepare_binary_model
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    InputBiasBinarizer,
    RPReLU,
    SignWeightBinarizer,
    SteHeavisideBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.runtime import Model

SHAPE = (3, 8, 8)
STE = BConfig(BasicInputBinarizer, weight_pre_process=SignWeightBinarizer)
W = BConfig(weight_pre_process=SignWeightBinarizer)
XN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)

Forward = Callable[[Any, Tensor], Tensor]


class Net(nn.Module):
    """Four layers of eight channels, a classifier, and the forward that is given."""

    def __init__(self, forward: Forward, features: int = 8) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.c, self.n, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
        self.a = BinaryConv2d(8, 8, 3, padding=1, bconfig=XN)
        self.b = BinaryConv2d(8, 8, 3, padding=1, bconfig=XN)
        self.f = nn.Linear(features, 4)
        self.scale, self.kept, self.calls = nn.Parameter(torch.randn(8, 1, 1)), None, 0
        self.register_buffer("count", torch.zeros(1))
        self.call = forward
        nn.init.normal_(self.n.bias)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self, x)

    def end(self, x: Tensor) -> Tensor:
        return self.f(x.mean((2, 3)))


def aliased_sum(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    keep = x
    x += s.a(x)
    return s.end(s.b(x) + keep)


def added_as_a_statement(s: Net, x: Tensor) -> Tensor:
    y = s.n(s.c(x))
    z = y * 2
    y.add_(s.a(y))
    return s.end(s.b(y) + z)


def relu_in_place_and_read_again(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    y = F.relu(x, inplace=True)
    return s.end(s.a(y - 0.5) + x)


def module_in_place_with_its_result_unused(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    s.relu(x)
    return s.end(s.a(x - 0.3) + x)


def relu_underscore(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    y = F.relu_(x)
    return s.end(s.a(x + y - 0.5))


def view_before_a_write(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    v = x[:, :4]
    x.relu_()
    return s.end(s.a(torch.cat([v, v], 1) - 0.3))


def image_written_to(s: Net, x: Tensor) -> Tensor:
    x.mul_(2)
    return s.end(s.a(s.n(s.c(x))))


def spelled(tail: Callable[[Net, Tensor], Tensor]) -> Forward:
    return lambda s, x: tail(s, s.b(s.a(s.n(s.c(x)))))


def before(head: Callable[[Net, Tensor], Tensor]) -> Forward:
    """A call between the float layer and a sign."""
    return lambda s, x: s.end(s.a(head(s, s.n(s.c(x)))))


EQUAL: dict[str, Forward] = {
    "x += with another name for x": aliased_sum,
    "add_ as a statement": added_as_a_statement,
    "relu inplace=True, x read again": relu_in_place_and_read_again,
    "self.relu(x) in place": module_in_place_with_its_result_unused,
    "relu_ and both names": relu_underscore,
    "a view, then a write": view_before_a_write,
    "a write into the image": image_written_to,
    "mean by keyword": spelled(lambda s, x: s.f(torch.mean(input=x, dim=(2, 3)))),
    "mean, keepdim, squeeze": spelled(lambda s, x: s.f(x.mean((2, 3), keepdim=True).squeeze(3).squeeze(2))),
    "flatten(2).mean(2)": spelled(lambda s, x: s.f(x.flatten(2).mean(2))),
    "mean of a mean is refused or equal": spelled(lambda s, x: s.f(F.adaptive_avg_pool2d(x, 1).mean((2, 3)))),
    "view(n, c, -1).mean(-1)": spelled(lambda s, x: s.f(x.view(x.size(0), x.size(1), -1).mean(-1))),
    "mean of some channels": spelled(lambda s, x: s.f(torch.cat([x[:, :4], x[:, 4:]], 1).mean((2, 3)))),
    "cat by keyword": before(lambda s, x: torch.cat(tensors=(x[:, 4:], x[:, :4]), dim=1) - 0.1),
    "clamp by keyword": before(lambda s, x: torch.clamp(input=x, min=-0.5, max=0.25)),
    "clamp(min=0)": before(lambda s, x: x.clamp(min=0) - 0.2),
    "clamp_min(.1)": before(lambda s, x: x.clamp_min(0.1) - 0.4),
    "clamp with crossed bounds": before(lambda s, x: x.clamp(0.5, -0.25) + x),
    "clamp without bounds": before(lambda s, x: x.clamp(-math.inf, math.inf) + x),
    "clamp with equal bounds": before(lambda s, x: x.clamp(0.25, 0.25) + x),
    "relu6 and hardtanh": before(lambda s, x: F.relu6(x) + F.hardtanh(x, -0.2, 0.3) - 0.3),
    "avg_pool2d by keyword": before(lambda s, x: F.avg_pool2d(input=x, kernel_size=3, stride=1, padding=1)),
    "max_pool2d by keyword": before(lambda s, x: F.max_pool2d(input=x, kernel_size=2)),
    "conv2d by keyword": before(lambda s, x: F.conv2d(input=x, weight=s.a.weight[:8] * 2, bias=None, padding=1)),
    "linear by call": lambda s, x: F.linear(s.a(s.n(s.c(x))).mean((2, 3)), s.f.weight, s.f.bias),
    "matmul": lambda s, x: s.a(s.n(s.c(x))).mean((2, 3)) @ s.f.weight.t(),
    "batch_norm by call": before(lambda s, x: F.batch_norm(x, s.n.running_mean, s.n.running_var, s.n.weight, s.n.bias)),
    "expand_as": before(lambda s, x: x * s.scale.expand_as(x)),
    "constant per batch": before(lambda s, x: x * torch.full((len(x), 8, 1, 1), 0.5) - 0.1),
    "arange": before(lambda s, x: x - torch.arange(8.0)[:, None, None] / 8),
    "rsub and rdiv": before(lambda s, x: (1 - x) / 2),
    "dropout in evaluation": before(lambda s, x: F.dropout(x, 0.5, s.training)),
    "pad by eight numbers": before(lambda s, x: F.pad(x, (1, 1, 0, 2, 0, 0, 0, 0))),
    "permute there and back": before(lambda s, x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)),
    "transpose, contiguous, view": before(
        lambda s, x: x.view(len(x), 2, 4, 8, 8).transpose(1, 2).contiguous().view(len(x), 8, 8, 8)
    ),
    "split of unequal parts": before(lambda s, x: torch.cat([part * 2 for part in x.split([1, 2, 5], dim=1)], 1)),
    "unbind and stack of channels by cat": before(lambda s, x: torch.cat(x.split(1, 1)[::-1], 1)),
    "channel shuffle": before(lambda s, x: F.channel_shuffle(x, 4)),
    "a shape check": before(lambda s, x: x if x.dim() == 4 and x.shape[1] == 8 else x.relu()),
    "the mean of one logit": lambda s, x: s.f(s.a(s.n(s.c(x))).mean((2, 3)))[:, :1],
    "one logit, squeezed": lambda s, x: s.f(s.a(s.n(s.c(x))).mean((2, 3)))[:, :1].squeeze(1),
    "float there": before(lambda s, x: x.float()),
    "dead code that has no counterpart": before(lambda s, x: (x.sort(1), x)[1]),
    "prelu by call": before(lambda s, x: F.prelu(x, torch.full((8,), 0.25)) - 0.1),
    "leaky_relu_": before(lambda s, x: F.leaky_relu_(x, 0.1) - 0.1),
    "softmax by call": lambda s, x: F.softmax(input=s.end(s.a(s.n(s.c(x)))), dim=1),
}


def proved(model: nn.Module, shape: tuple[int, int, int] = SHAPE, **options: Any) -> Model:
    packed = Model(pack(model, shape, **options))
    torch.manual_seed(0)
    images = torch.randn(5, *shape)
    proof = verify(model, packed, images)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
    with torch.no_grad():
        wanted = model.eval()(images.clone())
    assert torch.allclose(torch.from_numpy(packed(images)).reshape(wanted.shape), wanted, atol=1e-4)
    return packed


@pytest.mark.parametrize("name", EQUAL)
def test_equal(name: str) -> None:
    proved(Net(EQUAL[name]))


def stateful(s: Net, x: Tensor) -> Tensor:
    y = s.n(s.c(x))
    y = y if s.kept is None else y + s.kept.mean()
    s.kept = y.detach().clone()
    return s.end(s.a(y))


def counted(s: Net, x: Tensor) -> Tensor:
    s.calls += 1
    return s.end(s.a(s.n(s.c(x)))) * s.calls


def counted_in_a_buffer(s: Net, x: Tensor) -> Tensor:
    s.count += 1
    return s.end(s.a(s.n(s.c(x)))) * s.count


def kept_in_a_buffer(s: Net, x: Tensor) -> Tensor:
    y = s.n(s.c(x))
    s.count.copy_(y.mean().detach().reshape(1))
    return s.end(s.a(y))


REFUSED: dict[str, tuple[Forward, str]] = {
    "mean over rows": (spelled(lambda s, x: s.f(x.mean(2)[:, :, 0])), "'mean' is a mean to"),
    "mean over channels and rows": (spelled(lambda s, x: s.f(x.mean((1, 2)))), "'mean' is a mean to"),
    "mean over channels and columns": (spelled(lambda s, x: s.f(x.mean((1, 3)))), "'mean' is a mean to"),
    "flatten(2).mean(1) of as many": (
        lambda s, x: s.f(F.avg_pool2d(s.c(x), (4, 2)).flatten(2).mean(1)),
        "'mean' is a mean to",
    ),
    "mean over the batch": (spelled(lambda s, x: s.f((x - x.mean(0)).mean((2, 3)))), "over the batch"),
    "active dropout": (before(lambda s, x: F.dropout(x, 0.5)), "draws random numbers"),
    "rand": (before(lambda s, x: x + torch.rand(8, 1, 1)), "'rand' draws random numbers .*test_capture.py"),
    "randperm": (before(lambda s, x: x[:, torch.randperm(8)]), "'randperm' draws random numbers"),
    "Python's random": (spelled(lambda s, x: s.end(x) * random.random()), "Python's random numbers"),
    "batch norm of the batch": (
        before(lambda s, x: F.batch_norm(x, s.n.running_mean.clone(), s.n.running_var.clone(), training=True)),
        "mean of the batch|writes into",
    ),
    "state": (stateful, "different numbers|gives different|keeps? nothing|cannot be copied"),
    "a counter": (counted, r"changes 'calls' in every call"),
    "a counter in a buffer": (counted_in_a_buffer, "writes into a tensor that outlives the call"),
    "a value kept in a buffer": (kept_in_a_buffer, "mutat|writes into"),
    "the batch as a number": (
        spelled(lambda s, x: s.end(x) * x.size(0)),
        r"'mul' computes with \[5\] .* with \[2\] before",
    ),
    "the gradient mode": (before(lambda s, x: x if torch.is_grad_enabled() else -x), "different numbers"),
    "an if on numbers": (before(lambda s, x: x if x.sum() > 0 else -x), "steps of the forward depend"),
    "item": (before(lambda s, x: x * x.max().item()), "steps of the forward depend"),
    "numpy": (before(lambda s, x: x * float(x.detach().numpy().max())), "'mul' computes"),
    "write into part": (before(lambda s, x: (x[:, :4].mul_(2), x)[1]), r"\(a write into part of a tensor\)"),
    "pad of the batch": (lambda s, x: s.end(F.pad(s.c(x), (0, 0, 0, 0, 0, 0, 1, 0))), "'pad'"),
    "NaN bound": (before(lambda s, x: x.clamp(float("nan"), 1)), "'clamp'"),
    "x / 0": (before(lambda s, x: x / 0), "'div' computes / with"),
    "x * 1e39": (before(lambda s, x: x * 1e39), r"'mul' computes \* with"),
    "where": (before(lambda s, x: torch.where(x > 0, x, 0.1 * x)), r"'where' \(a call of where\)"),
    "double": (before(lambda s, x: x.double().float()), "'to' returns torch.float64, but it must be float32"),
    "two inputs": (before(lambda s, x: torch.einsum("nchw,cd->ndhw", x, torch.ones(8, 8))), "has no counterpart|moves"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    forward, message = REFUSED[name]
    with pytest.raises(ExportError, match=message) as raised:
        pack(Net(forward), SHAPE)
    assert "\n" not in str(raised.value)


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


class Sequence(nn.Module):
    def __init__(self, tail: Callable[[Tensor], Tensor], features: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.norm, self.tail = nn.Conv1d(3, 8, 3, padding=1), nn.BatchNorm1d(8), tail
        self.binary, self.fc = BinaryConv1d(8, 8, 3, padding=1, bconfig=XN), nn.Linear(features, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.tail(self.binary(self.norm(self.conv(x.squeeze(2))))))


CROPS: dict[str, Callable[[Tensor], Tensor]] = {
    "every second pixel": lambda x: x[:, :, ::2, ::2],
    "every third row, second column": lambda x: x[:, :, 1::3, 1::2],
    "a middle": lambda x: x[:, :, 2:6, 3:5],
    "one pixel": lambda x: x[:, :, 3:4, -1:],
    "the last row": lambda x: x[:, :, -1:],
    "narrow": lambda x: x.narrow(2, 1, 3),
    "some channels of a middle": lambda x: x[:, 2:6, 1:-1, 1:-1],
}


@pytest.mark.parametrize("name", CROPS)
def test_crops(name: str) -> None:
    torch.manual_seed(2)
    first, crop = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)), CROPS[name]
    channels = crop(first.eval()(torch.zeros(1, *SHAPE))).shape[1]

    class Cropped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.binary = first, BinaryConv2d(channels, 4, 1, bconfig=XN)

        def forward(self, x: Tensor) -> Tensor:
            return self.binary(crop(self.first(x))).mean((2, 3))

    proved(Cropped())


@pytest.mark.parametrize(
    "view", [lambda x: x.transpose(2, 3), lambda x: x[:, :, [0, 1, 3]], lambda x: x.flip(2), lambda x: x[:, :, :, 0]]
)
def test_other_arrangements_are_refused(view: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(ExportError, match="in a way that no operation of the format gives"):
        pack(Net(lambda s, x: s.f(view(s.c(x)).flatten(1)[:, :8])), SHAPE)


ONE_DIMENSION: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "MaxPool1d, ceil_mode": (nn.Sequential(nn.MaxPool1d(2, ceil_mode=True), nn.Flatten()), 64),
    "AdaptiveMaxPool1d(1)": (nn.Sequential(nn.AdaptiveMaxPool1d(1), nn.Flatten()), 8),
    "AdaptiveAvgPool1d(5)": (nn.Sequential(nn.AdaptiveAvgPool1d(5), nn.Flatten()), 40),
    "AvgPool1d": (nn.Sequential(nn.AvgPool1d(3, 3), nn.Flatten()), 40),
    "F.max_pool1d": (lambda x: F.max_pool1d(x, 3).flatten(1), 40),
    "F.avg_pool1d": (lambda x: F.avg_pool1d(x, 3, ceil_mode=True).flatten(1), 40),
    "mean(2)": (lambda x: x.mean(2), 8),
    "the last position": (lambda x: x[:, :, -1], 8),
    "some positions": (lambda x: x[:, :, 2:11:2].flatten(1), 40),
    "mean(-1)": (lambda x: torch.mean(x, dim=-1), 8),
    "pad of positions": (lambda x: F.pad(x, (1, 0)).flatten(1), 128),
    "pad of channels": (lambda x: F.pad(x, (0, 0, 1, 1)).flatten(1), 150),
}


@pytest.mark.parametrize("name", ONE_DIMENSION)
def test_one_dimension(name: str) -> None:
    tail, features = ONE_DIMENSION[name]
    proved(Sequence(tail, features).eval(), (3, 1, 15))


def test_a_mean_over_channels_of_as_many_positions_is_refused() -> None:
    with pytest.raises(ExportError, match="is a mean to"):
        pack(Sequence(lambda x: x.mean(1), 8).eval(), (3, 1, 8))


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


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=lambda kind: kind.__name__)
def test_every_activation_is_proved_as_a_module_and_as_a_function(kind: type[nn.Module]) -> None:
    class Functional(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return getattr(F, ACTIVATIONS[kind])(x)

    for activation in (kind(), Functional()):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 3), activation, nn.Flatten(), nn.Linear(288, 4)).eval()
        packed = proved(model)
        assert ACTIVATIONS[kind] in [node.attributes.get("function") for node in packed.graph.nodes]


@pytest.mark.parametrize("between", [nn.Identity(), nn.MaxPool2d(2), nn.Sequential(nn.MaxPool2d(2), nn.LeakyReLU(0.5))])
@pytest.mark.parametrize("activation", [nn.GELU(), nn.SiLU(), nn.Mish()], ids=lambda module: type(module).__name__)
def test_a_sign_in_the_tail_of_an_activation_is_refused(activation: nn.Module, between: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), activation, between, BinaryConv2d(8, 4, 2, bconfig=STE))
    with pytest.raises(ExportError, match=rf"turns where '1' \({type(activation).__name__}\) becomes flat"):
        pack(model, SHAPE)
    model[2] = nn.Sequential(between, nn.BatchNorm2d(8))
    model[2][1].running_mean.fill_(0.25)
    proved(model.eval())


def swallowed(s: Net, x: Tensor) -> Tensor:
    try:
        largest = float(x.max())
    except Exception:
        largest = 0.0
    return s.end(s.a(s.c(x if largest < 50 else x / 128)))


def branch_on_numpy(s: Net, x: Tensor) -> Tensor:
    return s.end(s.a(s.c(x / 128 if x.detach().numpy().max() > 50 else x)))


def promoted(s: Net, x: Tensor) -> Tensor:
    y = (s.c(x) / 10 - torch.full((8, 1, 1), 0.7, dtype=torch.float64)).float()
    return s.end(s.a(y + y))


HIDDEN: dict[str, tuple[Forward, str]] = {
    "a refusal that the forward catches": (swallowed, "steps of the forward depend"),
    "an if on a NumPy number": (branch_on_numpy, "'numpy' lets the steps of the forward depend"),
    "a sum promoted to float64": (promoted, "'sub' returns torch.float64, but it must be float32"),
    "Python's random in an if": (
        lambda s, x: s.end(s.c(x) if random.random() < 2 else x),
        "changes the state of Python's random numbers",
    ),
    "more than three images": (lambda s, x: s.end(s.c(x) * (1 if len(x) < 4 else -1)), r"'mul' computes with \[-1\]"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_no_run_shows_is_refused(name: str) -> None:
    forward, message = HIDDEN[name]
    with pytest.raises(ExportError, match=message):
        pack(Net(forward), SHAPE)


TAILS: dict[str, Forward] = {
    "a new BatchNorm": lambda s, x: s.relu6bn(F.gelu(s.c(x))),
    "a pad": lambda s, x: F.pad(F.gelu(s.c(x)), (1, 1)),
    "a sum": lambda s, x: F.gelu(s.c(x)) + s.c(x).relu(),
    "nothing added": lambda s, x: F.gelu(s.c(x)) + 0,
    "a crop": lambda s, x: F.max_pool2d(F.gelu(s.c(x)), 2)[:, :, 1:],
    "a product": lambda s, x: F.silu(s.c(x)) * 3,
}


@pytest.mark.parametrize("name", TAILS)
def test_tails_are_followed(name: str) -> None:
    model = Net(lambda s, x: s.end(s.a(TAILS[name](s, x))))
    model.relu6bn = nn.BatchNorm2d(8).eval()
    with pytest.raises(ExportError, match="becomes flat"):
        pack(model, SHAPE)


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


def test_a_gate_that_is_expanded() -> None:
    proved(Net(before(lambda s, x: x * torch.sigmoid(x.mean((2, 3))).view(len(x), 8, 1, 1).expand_as(x) - 0.1)))


def test_dynamic_sizes_of_several_parities() -> None:
    with pytest.raises(ExportError, match="dynamic=True"):
        pack(Net(before(lambda s, x: F.pad(x, (0, x.shape[3] % 2)))), SHAPE, dynamic=True)


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


def test_dynamic_sizes_see_pools_behind_signs() -> None:
    model = nn.Sequential(
        *(BinaryConv2d(3, 8, 3, padding=1, bconfig=STE), nn.MaxPool2d(2, ceil_mode=True)),
        *(BinaryConv2d(8, 8, 3, padding=1, bconfig=STE), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    proved(model)
    with pytest.raises(ExportError, match="ceil_mode=True"):
        pack(model, SHAPE, dynamic=True)


def test_dynamic_sizes_refuse_constants_of_one_size() -> None:
    with pytest.raises(ExportError, match="a different operation for images of 9 x 10"):
        pack(Net(before(lambda s, x: x * (1 / x.size(2)) + 0.1)), SHAPE, dynamic=True)


def test_verify_sees_a_model_that_changed_its_steps() -> None:
    model = Net(before(lambda s, x: x))
    graph = pack(model, SHAPE)
    model.call = before(lambda s, x: x.relu() - 0.1)
    with pytest.raises(ExportError, match="differs from the trained model"):
        verify(model, graph, torch.randn(2, *SHAPE))
