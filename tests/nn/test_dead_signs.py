"""Signs that read numbers that are never negative: which are found, which are not, and the remedies."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import BinarizationWarning, InputError
from xnorkit.models import resnet18
from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, convert, find_dead_signs, prepare_binary_model
from xnorkit.ops import (
    AdaBinInputBinarizer,
    ApproxSignBinarizer,
    BasicInputBinarizer,
    DoReFaActivation,
    InputBiasBinarizer,
    MagnitudeAwareSignBinarizer,
    NoOp,
    SteHeavisideBinarizer,
    StochasticInputBinarizer,
    XNORWeightBinarizer,
)

SIGN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)


class Between(nn.Module):
    """A function between a float convolution with batch norm and a binary convolution."""

    def __init__(self, function: Callable[[Tensor], Tensor], bconfig: BConfig = SIGN) -> None:
        super().__init__()
        self.first, self.norm, self.function = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), function
        self.binary = BinaryConv2d(8, 8, 3, padding=1, bconfig=bconfig)

    def forward(self, x: Tensor) -> Tensor:
        return self.binary(self.function(self.norm(self.first(x))))


def minus(x: Tensor) -> Tensor:
    y = F.relu(x)
    return y - 0.5


def in_place_result_unused(x: Tensor) -> Tensor:
    F.relu(x, inplace=True)
    return x


def added_in_place(x: Tensor) -> Tensor:
    y = x.abs()
    y += x.square()
    return y


NEVER_NEGATIVE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "torch.relu": torch.relu,
    "method": lambda x: x.relu(),
    "in place": lambda x: x.relu_(),
    "in place, result unused": in_place_result_unused,
    "relu6": F.relu6,
    "sigmoid": torch.sigmoid,
    "hardsigmoid": F.hardsigmoid,
    "softmax": lambda x: x.softmax(1),
    "softplus": F.softplus,
    "abs": abs,
    "square": lambda x: x**2,
    "product with itself": lambda x: x * x,
    "exp": torch.exp,
    "clamp": lambda x: x.clamp(0, 1),
    "clamp min": lambda x: x.clamp(min=0.1),
    "hardtanh": lambda x: F.hardtanh(x, 0.0, 2.0),
    "pooling": lambda x: F.avg_pool2d(F.max_pool2d(F.relu(x), 3, 1, 1), 3, 1, 1),
    "dropout": lambda x: F.dropout(F.relu(x), 0.5, training=False),
    "views": lambda x: F.relu(x).flatten(1).view(-1, 8, 6, 6).transpose(2, 3).contiguous()[:, :, ::1],
    "shuffle": lambda x: torch.cat(F.relu(x).chunk(2, dim=1)[::-1], dim=-3),
    "cat": lambda x: torch.cat([F.relu(x[:, :4]), torch.sigmoid(x[:, 4:])], 1),
    "sum": lambda x: F.relu(x) + torch.sigmoid(x) + 0.5,
    "sum in place": added_in_place,
    "product": lambda x: F.relu(x) * torch.sigmoid(x) * 2 / 3,
    "maximum": lambda x: torch.maximum(x, x.abs()),
    "where": lambda x: torch.where(x > 0, x.abs(), x.square()),
    "padding": lambda x: F.pad(F.relu(x), (1, 1, 1, 1)),
    "leaky behind relu": lambda x: F.leaky_relu(F.relu(x)),
    "resized": lambda x: F.interpolate(F.relu(x), scale_factor=2, mode="bilinear"),
}
MAY_BE_NEGATIVE: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "hardtanh": F.hardtanh,
    "leaky relu": F.leaky_relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "difference": minus,
    "sum with both signs": lambda x: F.relu(x) + x,
    "minus": lambda x: -F.relu(x),
    "product with both signs": lambda x: F.relu(x) * x.roll(1, 3),
    "negative factor": lambda x: F.relu(x) * -1.0,
    "difference by alpha": lambda x: torch.add(F.relu(x), F.sigmoid(x), alpha=-2),
    "padding with -1": lambda x: F.pad(F.relu(x), (1, 1, 1, 1), value=-1.0),
    "cat with both signs": lambda x: torch.cat([F.relu(x[:, :4]), x[:, 4:]], 1),
    "minimum": lambda x: torch.min(x, x.abs()),
    "clamp below 0": lambda x: F.relu(x).clamp(-2, -1),
    "bicubic": lambda x: F.interpolate(F.relu(x), scale_factor=2, mode="bicubic"),
    "where": lambda x: torch.where(x > 0, x.abs(), x),
    "batch norm": lambda x: F.batch_norm(F.relu(x), torch.ones(8), torch.ones(8)),
    "local mean removed": lambda x: F.relu(x) - F.avg_pool2d(F.relu(x), 3, 1, 1),
}


@pytest.mark.parametrize("name", NEVER_NEGATIVE)
def test_found(name: str) -> None:
    torch.manual_seed(0)
    net = Between(NEVER_NEGATIVE[name]).eval()
    with torch.no_grad():
        assert NEVER_NEGATIVE[name](net.norm(net.first(torch.randn(4, 3, 8, 8)))).min() >= 0
    assert [dead.name for dead in find_dead_signs(net)] == ["binary"]


@pytest.mark.parametrize("name", MAY_BE_NEGATIVE)
def test_not_found(name: str) -> None:
    torch.manual_seed(0)
    net = Between(MAY_BE_NEGATIVE[name]).eval()
    with torch.no_grad():
        assert MAY_BE_NEGATIVE[name](net.norm(net.first(torch.randn(4, 3, 8, 8)))).min() < 0
    assert find_dead_signs(net) == []


MODULES = (
    *(nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.Sigmoid(), nn.Tanh(), nn.Hardtanh(), nn.Hardtanh(0, 3)),
    *(nn.GELU(), nn.SiLU(), nn.LeakyReLU(), nn.ELU(), nn.Softplus(), nn.Softmax2d(), nn.Threshold(0.1, 0.0)),
    *(nn.Threshold(0.1, -1.0), nn.MaxPool2d(3, 1, 1), nn.AvgPool2d(3, 1, 1), nn.Dropout(), nn.Identity()),
    *(nn.BatchNorm2d(8), nn.Conv2d(8, 8, 1), nn.LocalResponseNorm(3), nn.ChannelShuffle(2), nn.ZeroPad2d(1)),
    *(nn.ConstantPad2d(1, -0.5), nn.ConstantPad2d(1, 0.5), nn.InstanceNorm2d(8), nn.Hardswish(), nn.Softsign()),
    *(nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2, mode="bicubic"), nn.AdaptiveMaxPool2d(4), nn.PReLU()),
)


def test_what_is_found_is_never_negative_in_random_chains() -> None:
    generator = torch.Generator().manual_seed(0)
    found = 0
    for _ in range(200):
        chosen = [MODULES[i] for i in torch.randint(len(MODULES), (4,), generator=generator).tolist()]
        net = nn.Sequential(nn.Conv2d(3, 8, 3), *chosen, BinaryConv2d(8, 8, 1)).eval()
        dead = find_dead_signs(net)
        with torch.no_grad():
            x = 3 * torch.randn(2, 3, 9, 9, generator=generator)
            for module in net[:-1]:
                x = module(x)
        if dead:
            found += 1
            assert x.min() >= 0, chosen
        elif isinstance(chosen[-1], nn.ReLU | nn.Sigmoid | nn.Softplus):
            pytest.fail(f"not found: {chosen}")
    assert found > 40


def test_the_reason_names_what_makes_it_so() -> None:
    net = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), nn.MaxPool2d(2), BinaryConv2d(8, 8, 3))
    assert [(dead.name, dead.reason) for dead in find_dead_signs(net)] == [("2", "ReLU '0.1'")]


@pytest.mark.parametrize(
    ("process", "dead"),
    [
        (BasicInputBinarizer, True),
        (BasicInputBinarizer.with_args(clip=None), True),
        (ApproxSignBinarizer, True),
        (StochasticInputBinarizer, True),  # in evaluation
        (MagnitudeAwareSignBinarizer, True),
        (InputBiasBinarizer, True),  # as made; prepare_binary_model starts the shift below 0
        (AdaBinInputBinarizer, True),
        (SteHeavisideBinarizer, False),
        (DoReFaActivation, False),
        (NoOp, False),
        (nn.Identity, False),
        (nn.Tanh, False),
    ],
)
def test_which_processes_die(process: type, dead: bool) -> None:
    net = Between(F.relu, BConfig(process, weight_pre_process=XNORWeightBinarizer))
    assert bool(find_dead_signs(net)) == dead
    linear = nn.Sequential(nn.ReLU(), BinaryLinear(4, 3, bconfig=BConfig(process)))
    assert bool(find_dead_signs(linear)) == dead


class Branching(nn.Module):
    """Cannot be traced: its forward looks at numbers. Its parts can."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        if x.max() > 100:
            raise ValueError
        return self.last(F.relu(self.part(x)))


def test_a_forward_that_cannot_be_traced() -> None:
    names = ["_first_"]
    with pytest.warns(BinarizationWarning, match=r"1 binary layer reads .*: part.2 \(ReLU 'part.1'\)"):
        prepare_binary_model(Branching(), SIGN, ignore_layers_name=names)
    with pytest.warns(BinarizationWarning, match=r"part.2 .*, last \(no negative number in the example\)"):
        net = prepare_binary_model(Branching(), SIGN, ignore_layers_name=names, example=torch.randn(8, 3, 6, 6))
    assert len(find_dead_signs(net)) == 1
    net = prepare_binary_model(
        Branching(), SIGN, ignore_layers_name=names, activations="auto", example=torch.randn(8, 3, 6, 6)
    )
    assert isinstance(net.last.activation_pre_process, SteHeavisideBinarizer)
    with pytest.raises(InputError, match="Branching does not run on the example: "):
        find_dead_signs(net, torch.randn(2, 5))


def test_looking_leaves_no_trace() -> None:
    class Counting(Between):
        calls = 0

        def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
            super().__init__(function)
            self.seen: list[Tensor] = []

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.last_input = x
            self.seen.append(x)
            torch.rand(1)
            warnings.warn("called", stacklevel=1)
            return super().forward(x)

    net = Counting(F.relu)
    net.register_forward_hook(lambda *_: pytest.fail("the hook ran"))
    state = torch.random.get_rng_state()
    buffers = [buffer.clone() for buffer in net.buffers()]
    assert len(find_dead_signs(net)) == 1
    assert net.calls == 0
    assert not hasattr(net, "last_input")
    assert net.seen == []
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(buffers, net.buffers(), strict=True))
    assert net.training


def test_a_layer_called_twice_is_dead_if_both_calls_are() -> None:
    class Twice(nn.Module):
        def __init__(self, second: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            self.binary, self.second = BinaryConv2d(4, 4, 1), second

        def forward(self, x: Tensor) -> Tensor:
            return self.binary(self.second(self.binary(F.relu(x))))

    assert find_dead_signs(Twice(torch.tanh)) == []
    assert len(find_dead_signs(Twice(F.relu))) == 1


def float_net() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)),
    )


def test_prepare_warns_once_with_layers_reasons_and_remedies() -> None:
    with pytest.warns(BinarizationWarning) as caught:
        prepare_binary_model(float_net(), SIGN)
    message = str(caught.pop().message)
    assert not caught.list
    assert "2 binary layers read numbers that are never negative" in message
    assert "2 (ReLU '1'), 8 (ReLU '6')" in message
    for remedy in ('activations="auto"', "BatchNorm", "InputBiasBinarizer"):
        assert remedy in message


def test_auto_takes_0_and_1_in_exactly_these_layers() -> None:
    net = prepare_binary_model(float_net(), SIGN, activations="auto")
    kinds = {n: type(m.activation_pre_process) for n, m in net.named_modules() if hasattr(m, "bconfig")}
    assert kinds == {
        "0": BasicInputBinarizer,
        "2": SteHeavisideBinarizer,
        "5": BasicInputBinarizer,
        "8": SteHeavisideBinarizer,
    }
    assert find_dead_signs(net) == []
    assert net[2].bconfig.weight_pre_process is XNORWeightBinarizer
    other = BConfig(BasicInputBinarizer.with_args(clip=1.25), weight_pre_process=XNORWeightBinarizer)
    assert prepare_binary_model(float_net(), other, activations="auto")[2].activation_pre_process.clip == 1.25
    with pytest.raises(InputError, match="activations='signs', but it must be 'given' or 'auto'"):
        prepare_binary_model(float_net(), SIGN, activations="signs")  # type: ignore[arg-type]


def test_a_learned_shift_starts_below_zero_where_it_must() -> None:
    net = prepare_binary_model(float_net(), BConfig(InputBiasBinarizer, weight_pre_process=XNORWeightBinarizer))
    below = [bool((net[i].activation_pre_process.bias < 0).all()) for i in (0, 2, 5, 8)]
    assert below == [False, True, False, True]
    y = net[2].activation_pre_process(torch.tensor([0.0, 0.1]).reshape(2, 1, 1, 1).expand(2, 8, 1, 1))
    assert y[:, 0].flatten().tolist() == [-1, 1]
    with torch.no_grad():
        net[2].activation_pre_process.bias.fill_(0.25)
    again = BConfig(InputBiasBinarizer, weight_pre_process=XNORWeightBinarizer)
    with pytest.warns(BinarizationWarning, match=r"1 binary layer reads .*: 2 \(ReLU '1'\)"):
        prepare_binary_model(net, again)  # a shift above 0 is as dead, and what was learned stays
    assert (net[2].activation_pre_process.bias == 0.25).all()


def test_convert_warns_too() -> None:
    net = float_net()
    net[2].bconfig = SIGN
    with pytest.warns(BinarizationWarning, match=r"convert: 1 binary layer reads"):
        convert(net)


def test_every_layer_of_a_residual_network_behind_a_relu() -> None:
    with pytest.warns(BinarizationWarning, match="20 binary layers"):
        net = prepare_binary_model(resnet18(num_classes=10), SIGN, ignore_layers_name=["_first_"])
    layers = [name for name, m in net.named_modules() if isinstance(m, BinaryConv2d | BinaryLinear)]
    assert [dead.name for dead in find_dead_signs(net)] == layers
    prebasic = prepare_binary_model(
        resnet18(num_classes=10, block_type="prebasic"), SIGN, ignore_layers_name=["conv1", "fc", "$downsample$"]
    )
    assert find_dead_signs(prebasic) == []


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 8 - 1
    y = torch.tensor(bunch.target)
    return x[:1400], y[:1400], x[1400:], y[1400:]


@pytest.mark.parametrize(
    ("process", "activations"),
    [(BasicInputBinarizer, "given"), (BasicInputBinarizer, "auto"), (InputBiasBinarizer, "given")],
)
def test_training_behind_relus(digits: tuple[Tensor, ...], process: type, activations: Any) -> None:
    """Dead signs answer one class for every image; 0/1 and learned shifts learn."""
    x, y, x_test, y_test = digits
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for channels in (1, 32, 64):
        layers += [nn.Conv2d(channels, max(32, 2 * channels), 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(max(32, 2 * channels)), nn.ReLU()]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(512, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BinarizationWarning)
        bconfig = BConfig(process, weight_pre_process=XNORWeightBinarizer)
        prepare_binary_model(net, bconfig, ignore_layers_name=["_first_", "_last_"], activations=activations)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(3):
        for batch in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(net.train()(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        logits = net.eval()(x_test)
    accuracy = (logits.argmax(1) == y_test).float().mean().item()
    if (process, activations) == (BasicInputBinarizer, "given"):
        assert logits.std(0).max() < 1e-4
        assert accuracy < 0.2
    else:
        assert accuracy > 0.85


@pytest.mark.parametrize("activation", [nn.Sigmoid(), nn.Softmax(1), nn.Softplus()])
@pytest.mark.parametrize("inputs", [BasicInputBinarizer, InputBiasBinarizer])
def test_numbers_above_zero_have_no_remedy_in_zero_and_one(activation: nn.Module, inputs: type) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), activation, nn.Conv2d(8, 4, 3))
    config = BConfig(inputs, weight_pre_process=XNORWeightBinarizer)
    with pytest.warns(BinarizationWarning, match=r"above 0\. The remedy there is a BatchNorm before the layer"):
        prepare_binary_model(model, config, ignore_layers_name=["_first_"], activations="auto")
    assert isinstance(model[2].activation_pre_process, inputs)
    assert [sign.name for sign in find_dead_signs(model)] == ["2"]


def test_a_gate_leaves_the_zeros_of_a_relu() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.relu, self.gate, self.last = (
                nn.Conv2d(3, 8, 3),
                nn.ReLU(),
                nn.Sigmoid(),
                nn.Conv2d(8, 4, 3),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.relu(self.first(x))
            return self.last(self.gate(x.mean((2, 3), keepdim=True)) * x)

    config = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
    model = prepare_binary_model(Gated(), config, ignore_layers_name=["first"], activations="auto")
    assert isinstance(model.last.activation_pre_process, SteHeavisideBinarizer)


def test_an_example_of_several_inputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(3, 4, 1)

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return self.a(x.abs() if float(y) > 0 else x)

    model, config = Two(), BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
    with pytest.warns(BinarizationWarning, match="1 binary layer reads"):
        prepare_binary_model(model, config, example=(torch.randn(1, 3, 4, 4), torch.ones(1)))
