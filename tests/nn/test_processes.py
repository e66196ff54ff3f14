"""What a layer computes with a BConfig, in every kind of layer; what it says about bits; what it keeps in memory."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.nn import (
    BConfig,
    BinaryConv1d,
    BinaryConv2d,
    BinaryConv3d,
    BinaryConvTranspose2d,
    BinaryLinear,
)
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    BWNWeightBinarizer,
    DoReFaActivation,
    InputBiasBinarizer,
    IRNetWeightBinarizer,
    LearnableScaleWeightBinarizer,
    SignWeightBinarizer,
    XNORWeightBinarizer,
)

XNOR = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
FLOAT = [
    (BinaryLinear, nn.Linear, (6, 4), {}, (3, 6)),
    (BinaryConv1d, nn.Conv1d, (6, 4, 3), {"padding": 1, "groups": 2}, (3, 6, 7)),
    (BinaryConv2d, nn.Conv2d, (6, 4, (3, 2)), {"stride": 2, "padding_mode": "reflect", "padding": 1}, (3, 6, 7, 6)),
    (BinaryConv3d, nn.Conv3d, (6, 4, 2), {"bias": False, "dilation": 2}, (2, 6, 4, 5, 4)),
    (BinaryConvTranspose2d, nn.ConvTranspose2d, (6, 4, 3), {"stride": 2, "groups": 2, "padding": 1}, (2, 6, 4, 3)),
]
IDS = [case[0].__name__ for case in FLOAT]


def signs(x: Tensor) -> Tensor:
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


@pytest.mark.parametrize(("binary", "kind", "args", "options", "shape"), FLOAT, ids=IDS)
def test_empty_config_is_the_float_layer(binary: type, kind: type, args: tuple, options: dict, shape: tuple) -> None:
    torch.manual_seed(1)
    layer = binary(*args, **options, bconfig=BConfig())
    twin = kind(*args, **options)
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(shape)
    assert torch.equal(layer(x), twin(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == twin(x).dtype == torch.bfloat16
    layer.project_()
    assert torch.equal(layer.weight, twin.weight)


@pytest.mark.parametrize(("binary", "kind", "args", "options", "shape"), FLOAT, ids=IDS)
def test_scaled_signs_in_every_kind_of_layer(
    binary: type, kind: type, args: tuple, options: dict, shape: tuple
) -> None:
    """y = op(sign x, sign W) * mean |W| per output channel + bias; the channels of a transposed one are its columns."""
    torch.manual_seed(2)
    layer = binary(*args, **options, bconfig=XNOR, dtype=torch.float64)
    x = torch.randn(shape, dtype=torch.float64)
    twin = kind(*args, **options, dtype=torch.float64)
    w, groups = layer.weight.detach(), options.get("groups", 1)
    if kind is nn.ConvTranspose2d:
        # Output channel o = g * (C_out / groups) + j reads w[c, j] for the input channels c of group g.
        per_group = w.shape[0] // groups
        alpha = torch.stack(
            [w[g * per_group : (g + 1) * per_group, j].abs().mean() for g in range(groups) for j in range(w.shape[1])]
        )
    else:
        alpha = w.abs().flatten(1).mean(1)
    with torch.no_grad():
        twin.weight.copy_(signs(w))
    if twin.bias is not None:
        twin.bias = None
    scale = alpha.reshape(-1, *(1,) * (len(shape) - 2)) if kind is not nn.Linear else alpha
    expected = twin(signs(x)) * scale
    if layer.bias is not None:
        expected = expected + (layer.bias if kind is nn.Linear else layer.bias.reshape(scale.shape))
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(layer.binary_weight(), signs(w))
    torch.testing.assert_close(layer.alpha(), alpha, rtol=1e-14, atol=0)


def test_transposed_convolution_reaches_an_output_size_and_refuses_what_torch_refuses() -> None:
    layer = BinaryConvTranspose2d(2, 3, 3, stride=2)
    assert layer(torch.randn(1, 2, 4, 4), output_size=[10, 9]).shape == (1, 3, 10, 9)
    with pytest.raises(InputError, match="BinaryConvTranspose2d: Only"):
        BinaryConvTranspose2d(2, 3, 3, padding_mode="reflect")
    with pytest.raises(InputError, match=r"but it must be \(N, 2, H, W\)"):
        layer(torch.randn(1, 3, 4, 4))


@pytest.mark.parametrize(
    ("layer", "shape", "axes"), [(BinaryConv1d(2, 1, 1), (2, 3, 4), "L"), (BinaryConv3d(2, 1, 1), (2, 9), "D, H, W")]
)
def test_wrong_shapes_are_named(layer: nn.Module, shape: tuple, axes: str) -> None:
    with pytest.raises(InputError, match=rf"but it must be \(N, 2, {axes}\) or \(2, {axes}\)"):
        layer(torch.zeros(shape))


class TimesThree(nn.Module):
    def forward(self, w: Tensor) -> Tensor:
        return 3 * w


class Difference(nn.Module):
    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return y - x.mean()


def test_processes_without_factors_follow_the_plain_order() -> None:
    torch.manual_seed(3)
    layer = BinaryLinear(5, 4, bconfig=BConfig(nn.Tanh, Difference, TimesThree))
    x = torch.randn(2, 5)
    assert torch.equal(layer(x), F.linear(x.tanh(), 3 * layer.weight, layer.bias) - x.mean())
    with pytest.raises(InputError, match=r"BinaryLinear has no binary weight.* Use a weight process with `factors`"):
        layer.binary_weight()


def test_post_process_gets_the_input_before_binarization() -> None:
    torch.manual_seed(4)
    x = torch.randn(2, 5)
    layer = BinaryLinear(5, 4, bconfig=BConfig(BasicInputBinarizer, Difference, SignWeightBinarizer))
    dot = signs(x) @ signs(layer.weight).T
    assert torch.equal(layer(x), dot + layer.bias - x.mean())


def test_learned_scale_multiplies_the_integer_dot() -> None:
    torch.manual_seed(5)
    layer = BinaryLinear(400, 4, bconfig=BConfig(BasicInputBinarizer, weight_pre_process=LearnableScaleWeightBinarizer))
    x = torch.randn(3, 400)
    with torch.no_grad():
        layer.weight_pre_process.alpha.copy_(torch.randn(4))
    dot = signs(x) @ signs(layer.weight).T
    assert torch.equal(layer(x), dot * layer.weight_pre_process.alpha + layer.bias)
    assert torch.equal(layer.alpha(), layer.weight_pre_process.alpha)


REASONS = [
    (BinaryConv2d(2, 2, 1), None),
    (BinaryLinear(2, 2), None),
    (BinaryConv2d(2, 2, 1, bconfig=BConfig(InputBiasBinarizer, weight_pre_process=SignWeightBinarizer)), None),
    (BinaryConv1d(2, 2, 1), None),
    (BinaryConv3d(2, 2, 1), "BinaryConv3d has no kernel on bits"),
    (BinaryConvTranspose2d(2, 2, 1), "BinaryConvTranspose2d has no kernel"),
    (BinaryConv2d(2, 2, 1, padding_mode="circular", bconfig=XNOR), "padding mode 'circular'"),
    (BinaryLinear(2, 2, bconfig=BConfig()), "activations are not binarized; weights are not binarized"),
    (BinaryLinear(2, 2, bconfig=BConfig(nn.Tanh, weight_pre_process=SignWeightBinarizer)), "activations: Tanh has no"),
    (
        BinaryLinear(2, 2, bconfig=BConfig(BasicInputBinarizer, weight_pre_process=TimesThree)),
        "TimesThree has no method `factors`",
    ),
    (
        BinaryLinear(2, 2, bconfig=BConfig(DoReFaActivation.with_args(bits=2), weight_pre_process=BWNWeightBinarizer)),
        "activations: ",
    ),
    (
        BinaryLinear(2, 2, bconfig=BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer)),
        "output: multiplies the output in float",
    ),
    (BinaryLinear(2, 2, bconfig=BConfig(BasicInputBinarizer, Difference, XNORWeightBinarizer)), "output: Difference"),
]


@pytest.mark.parametrize(("layer", "reason"), REASONS)
def test_bit_reason(layer: nn.Module, reason: str | None) -> None:
    found = layer.bit_reason()
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert reason in found


@pytest.mark.parametrize(
    ("factory", "bound"),
    [
        (XNORWeightBinarizer, 1.0),
        (SignWeightBinarizer.with_args(clip=0.5), 0.5),
        (SignWeightBinarizer.with_args(clip=None), 3.0),
        (IRNetWeightBinarizer, 3.0),
        (nn.Identity, 3.0),
    ],
)
def test_projection_ends_where_the_gradient_does(factory: type, bound: float) -> None:
    layer = BinaryLinear(4, 2, bconfig=BConfig(BasicInputBinarizer, weight_pre_process=factory))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -3, 1, 0], [-3, 0.25, 3, 3]]))
    layer.project_(closed=True)
    assert layer.weight.abs().max() == bound
    layer.project_()
    w = layer.weight.detach()
    projected = factory is not nn.Identity and bound < 3
    next_to_it = torch.nextafter(torch.tensor(bound), torch.tensor(0.0))
    assert w.abs().max() == (next_to_it if projected else bound)
    assert torch.equal(w.sign(), torch.tensor([[1.0, -1, 1, 0], [-1, 1, 1, 1]]))
    if projected:
        b = layer._factors(torch.float32)[0]
        b.sum().backward()
        assert (layer.weight.grad == 1).all(), "every weight can move"


def test_backward_keeps_the_signs_and_one_bool_of_the_activations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The convolution needs its input, the signs (4 bytes); the straight-through rule one bool; no more is kept."""
    monkeypatch.setenv("XNORKIT_TRAIN", "simulated")
    layer = BinaryConv2d(8, 8, 1, bias=False)
    x = torch.randn(4, 8, 32, 32, requires_grad=True)
    kept: dict[int, int] = {}

    def pack(t: Tensor) -> Tensor:
        if t.numel() >= x.numel():
            kept[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = layer(x)
    assert sorted(kept.values()) == [x.numel(), 4 * x.numel()]
    assert y.shape == x.shape


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (BinaryConv1d(4, 6, 3, padding="same", groups=2), (2, 4, 7)),
        (BinaryConv2d(4, 6, (3, 2), padding="same"), (2, 4, 5, 6)),
        (BinaryConv2d(4, 6, 3, stride=2, padding=(2, 1), dilation=2), (2, 4, 9, 8)),
        (BinaryConv2d(4, 6, 3), (4, 5, 6)),
        (BinaryConv3d(4, 6, 2, padding="valid"), (2, 4, 3, 4, 5)),
        (BinaryLinear(4, 6), (2, 3, 4)),
        (
            BinaryLinear(4, 6, bconfig=BConfig(BasicInputBinarizer, weight_pre_process=LearnableScaleWeightBinarizer)),
            (4,),
        ),
    ],
    ids=str,
)
def test_gradients_of_the_fused_scale_are_those_of_the_separate_operations(layer: nn.Module, shape: tuple) -> None:
    torch.manual_seed(6)
    layer = layer.double()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    wanted = [x, *layer.parameters()]
    y = layer(x)
    g = torch.randn_like(y)
    found = torch.autograd.grad(y, wanted, g)
    b, scale = layer.weight_pre_process.factors(layer.weight)
    s = layer.activation_pre_process(x)
    dot = F.linear(s, b) if isinstance(layer, BinaryLinear) else layer._conv_forward(s, b, None)
    column = (-1, *(1,) * layer.SPATIAL_DIMS)
    separate = dot * scale.reshape(column) + layer.bias.reshape(column)
    torch.testing.assert_close(y, separate, rtol=1e-15, atol=1e-15)
    for ours, theirs in zip(found, torch.autograd.grad(separate, wanted, g), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


def test_an_empty_filter_gets_the_gradient_of_its_scale() -> None:
    layer = BinaryLinear(3, 1, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
    layer(torch.ones(1, 3)).sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1, 1]]


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch.compile does it itself
@pytest.mark.parametrize("layer", [BinaryConv2d(3, 4, 3), BinaryConv1d(3, 4, 3), BinaryConvTranspose2d(3, 4, 3)])
def test_compiles_to_one_graph_and_exports(layer: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "simulated")  # what is compiled
    torch.manual_seed(7)
    x = torch.randn(2, 3, *(6,) * layer.SPATIAL_DIMS)
    y = layer(x)
    y.square().sum().backward()
    grad, layer.weight.grad = layer.weight.grad, None
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    z = compiled(x)
    z.square().sum().backward()
    assert torch.equal(z, y)
    torch.testing.assert_close(layer.weight.grad, grad)
    assert torch.equal(torch.export.export(layer, (x,)).module()(x), y)
