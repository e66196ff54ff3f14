"""The proof covers every node of a program: whatever changes in one of them, it is seen there."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from differential import unproved
from networks import randomize_
from torch import Tensor, nn

from xnorkit.errors import ExportError, InputError
from xnorkit.export import export_model, interpret, verify
from xnorkit.format import Graph
from xnorkit.functional import sign_ste
from xnorkit.nn import BConfig, BinaryConv1d, BinaryConv2d, BinaryLinear, Identity
from xnorkit.ops import (
    ActivationBinarizer,
    BasicInputBinarizer,
    BasicScaleBinarizer,
    BiasPostprocess,
    InputBiasBinarizer,
    RPReLU,
    ScaledSignBinarizer,
    SignWeightBinarizer,
    SteHeavisideBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.runtime import Model

SIGNS = {"sign": BasicInputBinarizer, "RSign": InputBiasBinarizer, "0/1": SteHeavisideBinarizer, "float": nn.Identity}
PROCESSES = {
    "RPReLU": RPReLU,
    "scale": BasicScaleBinarizer,
    "bias": BiasPostprocess,
    "K": XNORScaleBinarizer,
}


def network(config: BConfig, *after: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    layer = BinaryConv2d(8, 12, 3, padding=1, bconfig=config)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), layer, *after, nn.Flatten(), nn.Linear(12 * 36, 4))
    randomize_(model)
    for module in model.modules():
        if isinstance(module, RPReLU | BasicScaleBinarizer | BiasPostprocess):
            for parameter in module.parameters():
                nn.init.normal_(parameter)
    return model.eval()


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("after", ["nothing", "norm", "norm and RPReLU"])
@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("signs", SIGNS)
def test_each_node_of_a_layer_with_an_output_process_is_proved(signs: str, process: str, after: str) -> None:
    config = BConfig(SIGNS[signs], PROCESSES[process], XNORWeightBinarizer)
    if process == "K" and signs == "0/1":
        config = BConfig(SIGNS[signs], nn.Identity, SignWeightBinarizer)
    more = {"nothing": [], "norm": [nn.BatchNorm2d(12)], "norm and RPReLU": [nn.BatchNorm2d(12), RPReLU(12)]}[after]
    model = network(config, *more)
    export = export_model(model, (3, 8, 8))
    proof = verify(model, Model(export.graph), images(4, 3, 8, 8), export=export)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
    assert not unproved(proof, export.graph)


def changed(array: np.ndarray) -> np.ndarray:
    """Return a copy in which one bit of the packed ones differs, or every float."""
    array = array.copy()
    if array.dtype == np.uint8:
        array.reshape(-1)[0] ^= 1
        return array
    return array + np.float32(1)


def test_any_changed_number_is_found_in_its_node() -> None:
    process = BConfig(InputBiasBinarizer, RPReLU, XNORWeightBinarizer)
    model = network(process, RPReLU(12), nn.BatchNorm2d(12), BinaryConv2d(12, 12, 3, padding=1, bconfig=process))
    export = export_model(model, (3, 8, 8))
    rows = images(16, 3, 8, 8)
    tried = 0
    for index, node in enumerate(export.graph.nodes):
        for role, array in node.tensors.items():
            tensors = {**node.tensors, role: changed(array)}
            nodes = list(export.graph.nodes)
            nodes[index] = replace(node, tensors=tensors)
            graph = replace(export.graph, nodes=tuple(nodes))
            proof = verify(model, Model(graph), rows, export=export, strict=False)
            wrong = {entry.name for entry in (*proof.layers, *proof.floats) if not entry.equal}
            assert wrong == {node.name}, f"{role} of {node.op}"
            with pytest.raises(ExportError, match=f"'{node.name}' differs"):
                verify(model, graph, rows, export=export)
            tried += 1
    assert tried > 12


@pytest.mark.parametrize("offset", [10.0, 1e3, 1e5, 1e7])
@pytest.mark.parametrize("kind", ["float", "binary", "binary weight", "linear"])
def test_biases_that_cancel_in_a_batch_norm(kind: str, offset: float) -> None:
    torch.manual_seed(0)
    layer: Any = {
        "float": nn.Conv2d(8, 12, 3),
        "binary": BinaryConv2d(8, 12, 3, bconfig=BConfig(BasicInputBinarizer, Identity, XNORWeightBinarizer)),
        "binary weight": BinaryConv2d(8, 12, 3, bconfig=BConfig(weight_pre_process=XNORWeightBinarizer)),
        "linear": nn.Linear(8 * 64, 12),
    }[kind]
    norm: Any = nn.BatchNorm1d(12) if kind == "linear" else nn.BatchNorm2d(12)
    view, end = (nn.Flatten(), nn.Linear(12, 4)) if kind == "linear" else (nn.Identity(), nn.Linear(12 * 36, 4))
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), view, layer, norm, nn.ReLU(), nn.Flatten(), end).eval()
    with torch.no_grad():
        layer.bias.add_(offset)
        norm.running_mean.add_(offset)
    export = export_model(model, (3, 8, 8))
    proof = verify(model, Model(export.graph), images(4, 3, 8, 8), export=export)
    assert not unproved(proof, export.graph)


@pytest.mark.parametrize("step", ["slope", "function", "clip"])
def test_a_large_number_hides_no_other(step: str) -> None:
    """One channel of 1e6 once widened the bound of all the others."""
    torch.manual_seed(0)
    made = {"slope": RPReLU(8), "function": nn.Sigmoid(), "clip": nn.ReLU()}[step]
    model = nn.Sequential(nn.Conv2d(3, 8, 3), made, nn.Flatten(), nn.Linear(288, 4)).eval()
    with torch.no_grad():
        model[0].bias[0] = -1e6 if step == "clip" else 1e6
        if isinstance(made, RPReLU):
            made.gamma[0, 0] = 1e6
    export = export_model(model, (3, 8, 8))
    changes: dict[str, Any] = {"function": {"attributes": {"function": "tanh"}}}
    changes["clip"] = {"attributes": {"min": -1.0, "max": None}}
    changes["slope"] = {"tensors": {"slope": np.full(8, 0.75, np.float32)}}
    op = {"slope": "prelu", "function": "activation", "clip": "clip"}[step]
    nodes = tuple(replace(node, **changes[step]) if node.op == op else node for node in export.graph.nodes)
    graph = replace(export.graph, nodes=nodes)
    proof = verify(model, Model(graph), images(4, 3, 8, 8), export=export, strict=False)
    assert [entry.name for entry in proof.floats if not entry.equal] == [node.name for node in nodes if node.op == op]


class Call(nn.Module):
    """A float convolution of a given function of the image, a function of that, a linear layer."""

    def __init__(self, before: Callable[[Tensor], Tensor], after: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.end = nn.Conv2d(3, 8, 3), nn.Linear(288, 4)
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.after(self.conv(self.before(x))).flatten(1))


CHAINS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "underflow": (lambda x: F.relu(x * 1e30) * 1e-25 * 1e-25 * 1e20, lambda y: y * 1e-30 * 1e-10 * 1e38),
    "overflow": (lambda x: F.relu(x * 1e-30) * 1e30 * 1e30 * 1e-30, lambda y: y * 1e30 * 1e8 * 1e-30),
    "cancelled across a view": (lambda x: x * 0.01, lambda y: (y + 3 - 3).flatten(1) * 2),
    "the same twice": (lambda x: x, lambda y: torch.cat([y[:, :4] + 1e5 - 1e5, (y[:, 4:] + 1e5 - 1e5) * 2], 1)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_of_constants(name: str) -> None:
    torch.manual_seed(0)
    model, rows = Call(*CHAINS[name]).eval(), images(4, 3, 8, 8)
    export = export_model(model, (3, 8, 8))
    assert not unproved(verify(model, Model(export.graph), rows, export=export), export.graph)


@pytest.mark.parametrize(
    ("shift", "scale", "bias"), [(1e6, 100, 0.5), (0.25, 3, 0.75), (0.4, 4.3668122, 0.1), (3, 7, 21)]
)
def test_steps_on_the_image_round_as_in_training(shift: float, scale: float, bias: float) -> None:
    """Pixels equal to the mean become exactly 0, and stay so: padding in the mean grey once got arbitrary signs."""
    torch.manual_seed(0)
    model = nn.Sequential(BinaryConv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(512, 4)).eval()
    model.register_forward_pre_hook(lambda _m, inputs: (((inputs[0] - shift) * scale + bias) - bias,))
    rows = images(4, 3, 8, 8) + np.float32(shift)
    rows[:, :, :3] = shift
    proof = verify(model, Model(export_model(model, (3, 8, 8)).graph), rows)
    assert proof.total_flips == 0


class OwnSign(ActivationBinarizer):
    """A user's binarizer with a shift for each feature, row or channel, or that reads other numbers."""

    bit_reason = None

    def __init__(self, layer: nn.Module, kind: str) -> None:
        super().__init__()
        self.kind, self.shift = kind, torch.linspace(-1, 1, 8 * 12)
        self.rows, self.channels = nn.Parameter(torch.tensor([-0.4, 0.4, 0.1])), nn.Parameter(torch.linspace(-1, 1, 8))

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "narrow":
            return sign_ste(x - torch.where(torch.arange(x[0].numel()).view(x[0].shape) == 5, 0.7, 0.5))
        shifts = {
            "mean": lambda: x.mean(1, keepdim=True),
            "median": lambda: x.flatten(1).median(1).values.view(-1, *(1,) * (x.dim() - 1)) / 2,
            "one number": lambda: x.flatten(1)[:, 7].view(-1, *(1,) * (x.dim() - 1)),
            "number by number": lambda: self.shift.view(8, 3, 4) if x.dim() == 4 else self.shift,
            "rows": lambda: self.rows[:, None] if x.dim() == 4 else self.rows.repeat_interleave(4).repeat(8),
            "channels": lambda: self.channels[:, None, None] if x.dim() == 4 else self.channels.repeat_interleave(12),
        }
        return sign_ste(x - shifts[self.kind]())


@pytest.mark.parametrize("kind", ["mean", "median", "one number", "number by number", "rows", "channels", "narrow"])
@pytest.mark.parametrize("before", ["float", "binary", "flat"])
def test_a_users_binarizer_works_on_each_number_alone(before: str, kind: str) -> None:
    torch.manual_seed(0)
    config = BConfig(partial(OwnSign, kind=kind), Identity, XNORWeightBinarizer)
    first = nn.Conv2d(3, 8, 3) if before == "float" else BinaryConv2d(3, 8, 3)
    layers = [nn.Flatten(), BinaryLinear(96, 8, bconfig=config)]
    if before != "flat":
        layers = [BinaryConv2d(8, 8, 1, bconfig=config), nn.Flatten()]
    model = nn.Sequential(first, *layers, nn.Linear(8 if before == "flat" else 96, 4)).eval()
    if kind in ("mean", "median", "one number"):
        with pytest.raises(ExportError, match=r"OwnSign makes the sign of a number depend on other numbers"):
            export_model(model, (3, 5, 6))
        return
    export = export_model(model, (3, 5, 6))
    assert not unproved(verify(model, Model(export.graph), images(16, 3, 5, 6), export=export), export.graph)


class Plain(nn.Module):
    """A user's binarizer that is one function of each number, and declares that its values are bits."""

    bit_reason = None

    def __init__(self, layer: nn.Module, function: Callable[[Tensor], Tensor], zero_one: bool = False) -> None:
        super().__init__()
        self.function, self.zero_one = function, zero_one

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Derived(Plain, ActivationBinarizer):
    """The same, from the class of this package."""

    zero_one = False


BROKEN_PROMISES: dict[str, tuple[Callable[[Tensor], Tensor], bool, str]] = {
    "0 of 0": (torch.sign, False, r"makes 0 of -?0, but its values must be \+1 and -1 for every number, 0 included"),
    "NaN of 0": (lambda x: x / x.abs(), False, r"makes nan of -?0, but its values must be"),
    "half": (lambda x: sign_ste(x) / 2, False, r"makes -?0.5 of .*, but its values must be \+1 and -1"),
    "0 and 1": (lambda x: (x > 0).float(), False, r"makes 0 of .*, but its values must be \+1 and -1"),
    "signs": (sign_ste, True, r"makes -1 of .*, but its values must be 1 and 0"),
    "one channel": (lambda x: sign_ste(x.mean(1, keepdim=True)).expand(x.shape), False, "makes the sign of a number"),
    "0 of a half": (lambda x: torch.sign(x - 0.5), False, "makes 0 "),
    "-0": (lambda x: torch.copysign(torch.ones_like(x), x), False, "gives 0 and -0 different signs"),
    "a band": (lambda x: torch.where((x > 6) & (x < 8), -1.0, 1.0), False, "changes its sign more than once"),
    "two bands": (lambda x: sign_ste(x * (x.abs() - 400)), False, "changes its sign more than once"),
}


@pytest.mark.parametrize("kind", BROKEN_PROMISES)
@pytest.mark.parametrize("base", [Plain, Derived])
def test_a_users_binarizer_keeps_its_promise(base: type[Plain], kind: str) -> None:
    function, zero_one, message = BROKEN_PROMISES[kind]
    config = BConfig(partial(base, function=function, zero_one=zero_one), Identity, XNORWeightBinarizer)
    layers = BinaryConv2d(3, 8, 3, bconfig=config), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(96, 4)
    message = rf"'0(.sign)?'.*: the activation binarizer {base.__name__} {message}"
    if base is Derived:  # whose layer runs on bits, and sees what it returns
        message += "|: Derived returns values other than \\+1 and -1, but its bit_reason is None"
    with pytest.raises(ExportError, match=message):
        export_model(nn.Sequential(*layers).eval(), (3, 5, 6))


def test_a_users_weight_binarizer_keeps_its_promise() -> None:
    class Ternary(ScaledSignBinarizer):
        def factors(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
            return torch.sign(w) * (w.abs() > 0.05), None

    layer = BinaryConv2d(3, 8, 3, bconfig=BConfig(BasicInputBinarizer, Identity, lambda _: Ternary()))
    with pytest.raises(
        ExportError, match="'0': the weight binarizer Ternary makes 0 of a weight, but its factors must"
    ):
        export_model(nn.Sequential(layer, nn.Flatten(), nn.Linear(96, 4)).eval(), (3, 5, 6))


def test_training_on_bits_refuses_a_broken_promise() -> None:
    config = BConfig(partial(Derived, function=torch.sign), Identity, XNORWeightBinarizer)
    layer = BinaryConv2d(8, 8, 3, bconfig=config)
    x = torch.randn(4, 8, 8, 8, requires_grad=True)
    assert layer.runs_on_bits(x)
    layer(x)
    # Exact but for numbers that absorb 1.
    rounded = partial(Derived, function=lambda x: x + (torch.where(x >= 0, 1.0, -1.0) - x).detach())
    surrogate = BinaryConv2d(8, 8, 3, bconfig=BConfig(rounded, Identity, XNORWeightBinarizer))
    surrogate(x)
    with pytest.raises(ExportError, match=r"Derived makes -?0 of -?\d.*e\+0., but its values must be"):
        export_model(nn.Sequential(surrogate).eval(), (8, 8, 8))
    with torch.no_grad():
        x[0, 0, 0, 0] = 0
    with pytest.raises(InputError, match="Derived returns values other than"):
        layer(x)


@pytest.mark.parametrize("isa", ["portable", "reference", None])
def test_functions_of_very_large_and_very_small_numbers(isa: str | None) -> None:
    """Softmax over many classes adds in another order; quotients of tiny numbers have few digits left."""
    torch.manual_seed(0)
    head = nn.Linear(48, 3000)
    with torch.no_grad():
        head.weight.mul_(0.1)
        head.bias[0] = 17
    for model, scale in (
        (nn.Sequential(nn.Flatten(), head, nn.Softmax(1)), 1),
        (nn.Sequential(nn.Flatten(), head, nn.Softmax(1)), 30),
        (Call(lambda x: x, lambda y: F.softmax(y * 40, 1) / 10), 1),
        (Call(lambda x: x, lambda y: torch.sigmoid(y * 2 - 60) / 6), 10),
    ):
        shape = (3, 8, 8) if isinstance(model, Call) else (3, 4, 4)
        rows = images(8, *shape) * np.float32(scale)
        export = export_model(model.eval(), shape)
        assert not unproved(verify(model, Model(export.graph, isa=isa), rows, export=export), export.graph)


def test_an_unsigned_constant_is_subtracted_as_in_pytorch() -> None:
    model = Call(lambda x: x - torch.tensor([3], dtype=torch.uint8), lambda y: torch.tensor(3, dtype=torch.uint8) - y)
    rows = images(4, 3, 8, 8)
    assert verify(model.eval(), Model(export_model(model, (3, 8, 8)).graph), rows).max_logit_difference < 1e-5


SPREAD = {"rows and columns": (4, 4), "columns": (1, 4), "rows": (4, 1), "channels": (8, 1, 1), "one": (1,)}


@pytest.mark.parametrize("shape", SPREAD)
@pytest.mark.parametrize("equal", [False, True])
def test_a_constant_before_a_sign_spreads_as_in_pytorch(shape: str, equal: bool) -> None:
    """A map of as many numbers as there are channels was once taken for one number per channel."""
    torch.manual_seed(0)
    scale, first, second = torch.rand(SPREAD[shape]) + 0.5, BinaryConv2d(3, 8, 3, padding=1), BinaryConv2d(8, 8, 1)
    scale = torch.ones_like(scale) if equal else scale
    process = BConfig(
        BasicInputBinarizer, BasicScaleBinarizer.with_args(shape=(1, *(1,) * (3 - scale.dim()), *scale.shape))
    )
    if shape != "one":
        first = BinaryConv2d(3, 8, 3, padding=1, bconfig=replace(process, weight_pre_process=XNORWeightBinarizer))
        with torch.no_grad():
            first.activation_post_process.alpha.copy_(scale)
    model = nn.Sequential(first, second, nn.Flatten(), nn.Linear(128, 4)).eval()
    second.register_forward_pre_hook(lambda _m, inputs: (inputs[0] * scale - 0.3,))
    export = export_model(model, (3, 4, 4))
    assert not unproved(verify(model, Model(export.graph), images(4, 3, 4, 4), export=export), export.graph)


@pytest.mark.parametrize("style", ["t", "transpose"])
def test_the_batch_stays_first(style: str) -> None:
    model = Call(lambda x: x, lambda y: y.flatten(1).t().t() if style == "t" else y.transpose(0, 1).transpose(0, 1))
    with pytest.raises(ExportError, match="the batch must stay the first axis of every value"):
        export_model(model.eval(), (3, 8, 8))


class Rows(nn.Module):
    """Positions first, then channels: as sequence models flatten."""

    def __init__(self, layer: nn.Module, style: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, (8, 3) if style == "sequence" else 3)
        self.rows = BinaryConv1d(6, 6, 3, padding=1)
        self.layer, self.style, self.end = layer, style, nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.style == "sequence":
            y = self.rows(y.flatten(2)).transpose(1, 2).contiguous().view(len(x), -1)
        else:
            y = y.permute(0, 2, 3, 1).flatten(1) if self.style == "channels last" else y.transpose(2, 3).flatten(1)
        return self.end(self.layer(y))


@pytest.mark.parametrize("kind", ["float", "sign", "0/1", "binary weight"])
@pytest.mark.parametrize("style", ["sequence", "channels last", "transposed"])
def test_a_linear_layer_reads_its_features_in_any_order(style: str, kind: str) -> None:
    torch.manual_seed(0)
    features = 6 * (6 if style == "sequence" else 36)
    signs = {"sign": BasicInputBinarizer, "0/1": SteHeavisideBinarizer, "binary weight": nn.Identity}
    layer: nn.Module = nn.Linear(features, 16)
    if kind != "float":
        layer = BinaryLinear(features, 16, bconfig=BConfig(signs[kind], Identity, XNORWeightBinarizer))
    model = Rows(layer, style).eval()
    rows = images(4, 3, 8, 8)
    export = export_model(model, (3, 8, 8))
    proof = verify(model, Model(export.graph), rows, export=export)
    assert not unproved(proof, export.graph)
    with torch.no_grad():
        wanted = model(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(_logits(export.graph, rows), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("signs", [InputBiasBinarizer, partial(OwnSign, kind="narrow")])
def test_what_may_differ_by_feature_is_not_reordered(signs: Any) -> None:
    layer = BinaryLinear(216, 16, bconfig=BConfig(signs, Identity, XNORWeightBinarizer))
    with pytest.raises(ExportError, match="in a way that no operation of the format gives"):
        export_model(Rows(layer, "channels last").eval(), (3, 8, 8))


def _logits(graph: Graph, rows: np.ndarray) -> np.ndarray:
    return interpret(graph, rows)[graph.output].reshape(len(rows), -1)
