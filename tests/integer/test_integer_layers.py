"""The forward pass of an integer layer is what int32 sums give, and its gradient is the one written down."""

import copy

import numpy as np
import pytest
import torch
from engine_twin import sums
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.nn.integer import IntegerLayer, QuantConv2d, QuantLinear
from xnorkit.nn.quantizers import LearnedQuantizer, PixelQuantizer

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CONVS = [
    {"kernel_size": 3},
    {"kernel_size": 3, "padding": 1, "bias": False},
    {"kernel_size": 5, "padding": 2, "stride": 2},
    {"kernel_size": (1, 4), "padding": (3, 2), "stride": (2, 3)},
    {"kernel_size": 3, "padding": 3, "dilation": 2},
    pytest.param(
        {"kernel_size": 4, "padding": "same"},
        marks=pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
    ),
    {"kernel_size": 3, "padding": 1, "groups": 3},
]


def pixels(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(sum(shape)))


def normalised(u: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    m, s = (torch.tensor(v)[:, None, None] for v in (mean, std))
    return (u.to(torch.float32) / 255 - m) / s


def same_as_the_engine(layer: IntegerLayer, x: Tensor) -> None:
    """Check that integers(x) are what an int32 engine gives, and forward(x) these sums times S in float32."""
    u, q, total = layer.eval().integers(x)
    assert (u.dtype, q.dtype, total.dtype) == (torch.uint8, torch.int8, torch.int32)
    expected = sums(layer, u.numpy(), q.numpy())
    assert expected.dtype == np.int32
    np.testing.assert_array_equal(total.numpy(), expected)
    scale = layer.output_scale().numpy()
    scale = scale[:, None, None] if isinstance(layer, QuantConv2d) else scale
    np.testing.assert_array_equal(layer(x).detach().numpy(), expected.astype(np.float32) * scale)


@pytest.mark.parametrize("options", CONVS, ids=range(len(CONVS)))
def test_convolution_of_pixels(options: dict[str, object]) -> None:
    torch.manual_seed(1)
    layer = QuantConv2d(3, 6, **options, input_quantizer=PixelQuantizer(*IMAGENET))
    u = pixels(2, 3, 11, 9)
    same_as_the_engine(layer, normalised(u, *IMAGENET))
    assert torch.equal(layer.integers(normalised(u, *IMAGENET)).x_int, u)


@pytest.mark.parametrize("options", CONVS, ids=range(len(CONVS)))
def test_convolution_of_activations(options: dict[str, object]) -> None:
    torch.manual_seed(2)
    layer = QuantConv2d(3, 6, **options)
    x = torch.randn(2, 3, 11, 9)
    layer(x)
    same_as_the_engine(layer, x * 1.3)


@pytest.mark.parametrize("signed", [None, True, False])
@pytest.mark.parametrize("features", [1, 7, 518, 519, 4096])
def test_linear(features: int, signed: bool | None) -> None:
    torch.manual_seed(features)
    layer = QuantLinear(features, 5, input_quantizer=LearnedQuantizer(signed))
    x = torch.randn(8, features)
    layer(x)
    same_as_the_engine(layer, x * 1.2)
    u = layer.integers(x * 1.2).x_int
    assert layer.input_quantizer.zero_point().item() == (0 if signed is False else 128)
    assert u.min() == 0
    assert u.max() == 255 or features < 7


def test_sums_beyond_float32_are_exact() -> None:
    """Every |sum| is odd and above 2^24: float32 could not hold one of them."""
    layer = QuantLinear(601, 2, input_quantizer=LearnedQuantizer(signed=False)).eval()
    with torch.no_grad():
        layer.weight[0], layer.weight[1] = 1.0, -1.0
        layer.bias.zero_()
        layer.input_quantizer.start.fill_(1.0)
    x = torch.full((1, 601), 255.0)
    total = layer.integers(x).sum_int
    assert total.tolist() == [[601 * 255 * 127, -601 * 255 * 127]]
    assert float(np.float32(total[0, 0].item())) != total[0, 0].item()
    same_as_the_engine(layer, x)


def test_largest_sum_and_bias_fit_int32() -> None:
    layer = QuantLinear(33_000, 2, input_quantizer=LearnedQuantizer(signed=False)).eval()
    with torch.no_grad():
        layer.weight[0], layer.weight[1] = 1e-9, -1e-9
        layer.bias.copy_(torch.tensor([3.0, -3.0]))
        layer.input_quantizer.start.fill_(1.0)
    x = torch.full((1, 33_000), 255.0)
    _, q, total = layer.integers(x)
    bias = layer.integer_bias().to(torch.int64)
    wide = q.to(torch.int64).sum(1) * 255 + bias
    assert bias.abs().max() > 2**30 - 200
    assert total.tolist() == [wide.tolist()]
    # The bias sets the scale of such a filter, and is kept to 30 bits.
    torch.testing.assert_close(layer.output_scale() * bias, layer.bias, rtol=1e-6, atol=0)


def test_bias_of_a_zero_filter_survives() -> None:
    layer = QuantConv2d(1, 2, 3, input_quantizer=PixelQuantizer([0.5], [0.5])).eval()
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.tensor([0.75, 0.0]))
    y = layer(normalised(pixels(1, 1, 3, 3), (0.5,), (0.5,)))
    torch.testing.assert_close(y.flatten(), layer.bias, rtol=1e-6, atol=0)
    same_as_the_engine(layer, pixels(1, 1, 3, 3))


@pytest.mark.parametrize(
    ("mean", "std"),
    [*zip(*IMAGENET, strict=True), (0.1307, 0.3081), (0.305, 0.325), (0.0, 1.0), (1.0, 0.003), (0.5, 1 / 255)],
)
def test_every_pixel_is_found_again(mean: float, std: float) -> None:
    u = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    layer = QuantConv2d(1, 1, 1, input_quantizer=PixelQuantizer([mean], [std]))
    x = normalised(u, (mean,), (std,))
    assert torch.equal(layer.integers(x).x_int, u)
    assert torch.equal(layer(x), layer(u))
    # Nor does rounding lie close: the worst pixel is far from the next one.
    raw = (x.double() * layer.input_quantizer.std.double() + layer.input_quantizer.mean.double()) * 255
    assert (raw - u).abs().max() < 0.01


def test_padding_is_the_zero_point_not_pixel_zero() -> None:
    layer = QuantConv2d(3, 1, 3, padding=1, bias=False, input_quantizer=PixelQuantizer(*IMAGENET))
    assert layer.input_quantizer.zero_point().flatten().tolist() == [124, 116, 104]  # rint of 123.675, 116.28, 103.53
    inside = torch.tensor([124, 116, 104], dtype=torch.uint8)[:, None, None].expand(1, 3, 5, 5)
    assert layer.integers(inside).sum_int.eq(0).all(), "an image of zero points looks like padding"
    assert layer.integers(torch.zeros_like(inside)).sum_int.ne(0).any()


def test_close_to_the_float_layer() -> None:
    torch.manual_seed(3)
    conv = nn.Conv2d(3, 16, 3)
    layer = QuantConv2d(3, 16, 3, input_quantizer=PixelQuantizer(*IMAGENET))
    layer.load_state_dict(conv.state_dict(), strict=False)
    x = normalised(pixels(4, 3, 16, 16), *IMAGENET)
    error = (layer(x) - conv(x)).std() / conv(x).std()
    assert error < 0.01
    linear, quantized = nn.Linear(512, 10), QuantLinear(512, 10)
    quantized.load_state_dict(linear.state_dict(), strict=False)
    y = torch.randn(64, 512).relu()
    assert (quantized(y) - linear(y)).std() / linear(y).std() < 0.01


def test_gradient_of_a_linear_layer() -> None:
    """The equations of IntegerLayer and LearnedQuantizer, in NumPy float64."""
    torch.manual_seed(4)
    layer = QuantLinear(40, 6).double()
    layer(torch.randn(16, 40, dtype=torch.float64))  # settles scale and zero point
    with torch.no_grad():
        layer.input_quantizer.log2_scale.fill_(-0.7)  # a smaller scale: some inputs are clamped
    x = (torch.randn(16, 40, dtype=torch.float64) * 1.5).requires_grad_()
    g = torch.randn(16, 6, dtype=torch.float64)
    layer(x).backward(g)

    w, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    t, start = -0.7, layer.input_quantizer.start.item()
    s, z = start * 2**t, 128
    v = x.detach().numpy() / s
    d = np.clip(np.rint(v), -z, 255 - z)
    inside = (-z <= np.rint(v)) & (np.rint(v) <= 255 - z)
    assert 0 < (~inside).sum() < inside.sum()
    s_w = np.abs(w).max(1) / 127
    q = np.rint(w / s_w[:, None])
    scale = s * s_w
    b = np.rint(bias / scale)
    G = g.numpy()

    to_d = (G * scale) @ q  # dC/dd
    by_s = (to_d * inside * -v / s).sum() + (G * s_w * (d @ q.T + b - bias / scale)).sum()
    np.testing.assert_allclose(x.grad, (G * s_w) @ q * inside, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(layer.weight.grad, s * G.T @ d, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(layer.bias.grad, G.sum(0), rtol=1e-12)
    np.testing.assert_allclose(layer.input_quantizer.log2_scale.grad, by_s * s * np.log(2), rtol=1e-9)


@pytest.mark.parametrize("groups", [1, 3])
def test_gradient_of_a_convolution_of_pixels(groups: int) -> None:
    torch.manual_seed(5)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.4)
    layer = QuantConv2d(3, 6, 3, padding=1, groups=groups, input_quantizer=PixelQuantizer(mean, std)).double()
    u = pixels(2, 3, 6, 5)
    x = normalised(u, mean, std).double().requires_grad_()
    y = layer(x)
    g = torch.randn_like(y)
    y.backward(g)

    z = np.rint(np.array(mean) * 255)[:, None, None]
    d = np.pad(u.numpy() - z, ((0, 0), (0, 0), (1, 1), (1, 1)))  # padding contributes nothing
    G, per = g.numpy(), 3 // groups
    to_folded = np.zeros((6, per, 3, 3))
    for o in range(6):
        for c in range(per):
            for i in range(3):
                for j in range(3):
                    source = d[:, c + o // (6 // groups) * per, i : i + 6, j : j + 5]
                    to_folded[o, c, i, j] = (G[:, o] * source).sum() / 255
    fold = np.array(std)[None] if groups == 1 else np.repeat(np.array(std), 2)[:, None]
    np.testing.assert_allclose(layer.weight.grad, to_folded / fold[:, :, None, None], rtol=1e-7)
    np.testing.assert_allclose(layer.bias.grad, G.sum((0, 2, 3)), rtol=1e-12)
    # dC/dx = 255 std_c dC/dd, and dC/dd is the correlation of G with S q.
    _, q, _ = layer.integers(x.detach())
    scaled = layer.output_scale()[:, None, None, None] * q
    to_d = nn.functional.conv_transpose2d(g, scaled, padding=1, groups=groups).numpy()
    np.testing.assert_allclose(x.grad, to_d * 255 * np.array(std)[:, None, None], rtol=1e-6)


def test_scale_is_settled_by_the_first_batch_with_a_value() -> None:
    layer = QuantLinear(4, 2)
    quantizer = layer.input_quantizer
    with pytest.raises(InputError, match="has seen no training batch"):
        layer.integers(torch.ones(1, 4))
    layer.eval()(torch.ones(1, 4))
    layer.train()(torch.zeros(3, 4))
    layer(torch.zeros(0, 4))
    layer(torch.full((1, 4), torch.inf))
    assert quantizer.start.item() == 0
    layer(torch.tensor([[0.0, 1.0, 2.0, 5.1]]))
    assert quantizer.start.item() == pytest.approx(5.1 / 255)
    assert quantizer.zero_point().item() == 0
    layer(torch.tensor([[-9.0, 1.0, 2.0, 50.0]]))
    assert quantizer.start.item() == pytest.approx(5.1 / 255), "later batches are for the learned part"
    assert layer.integers(torch.tensor([[-9.0, 0.0, 5.1, 50.0]])).x_int.tolist() == [[0, 0, 255, 255]]


def test_negative_values_make_it_signed() -> None:
    layer = QuantLinear(3, 2)
    layer(torch.tensor([[-2.54, 1.0, 0.0]]))
    assert layer.input_quantizer.zero_point().item() == 128
    assert layer.integers(torch.tensor([[-2.54, 2.54, 0.0]])).x_int.tolist() == [[1, 255, 128]]


def test_scale_is_learned() -> None:
    """From a start 30 times too wide the scale finds its way, and the error falls."""
    torch.manual_seed(6)
    quantizer = LearnedQuantizer(signed=True)
    x = torch.randn(256, 32)
    with torch.no_grad():
        quantizer.start.fill_(30 * x.abs().max().item() / 127)

    def error() -> Tensor:
        d, s = quantizer(x)
        return (s * d - x).square().mean()

    before = error().item()
    optimizer = torch.optim.Adam(quantizer.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        error().backward()
        optimizer.step()
    assert error().item() < before / 20
    assert quantizer.start.item() > 0


def test_two_forwards_then_one_backward() -> None:
    layer = QuantLinear(4, 2)
    (layer(torch.randn(3, 4)) + layer(torch.randn(3, 4))).sum().backward()
    assert layer.input_quantizer.log2_scale.grad is not None


def test_state_dict_and_copy_keep_the_integers() -> None:
    torch.manual_seed(7)
    layer = QuantLinear(30, 4)
    x = torch.randn(5, 30)
    layer(x)
    with torch.no_grad():
        layer.input_quantizer.log2_scale.fill_(0.3)
    other = QuantLinear(30, 4)
    other.load_state_dict(layer.state_dict())
    for twin in (other, copy.deepcopy(layer)):
        for a, b in zip(layer.integers(x), twin.integers(x), strict=True):
            assert torch.equal(a, b)
    pixel = QuantConv2d(3, 2, 3, input_quantizer=PixelQuantizer(*IMAGENET))
    fresh = QuantConv2d(3, 2, 3, input_quantizer=PixelQuantizer([0.5] * 3, [0.5] * 3))
    fresh.load_state_dict(pixel.state_dict())
    u = pixels(1, 3, 5, 5)
    assert torch.equal(fresh(u), pixel(u))


def test_autocast_changes_nothing() -> None:
    torch.manual_seed(8)
    layer = QuantConv2d(1, 4, 3, input_quantizer=PixelQuantizer([0.5], [0.5]))
    x = normalised(pixels(1, 1, 8, 8), (0.5,), (0.5,))
    with torch.autocast("cpu", torch.bfloat16):
        inside = layer(x)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, layer(x))


# torch.compile itself makes an instance of the autograd function's base class.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("kind", ["pixels", "learned"])
def test_compiles_as_one_graph(kind: str) -> None:
    torch.manual_seed(9)
    if kind == "pixels":
        layer: nn.Module = QuantConv2d(3, 4, 3, padding=1, input_quantizer=PixelQuantizer(*IMAGENET))
        x = normalised(pixels(2, 3, 6, 6), *IMAGENET)
    else:
        layer, x = QuantLinear(20, 4), torch.randn(6, 20)
    twin = copy.deepcopy(layer)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    for _ in range(2):
        y, expected = compiled(x), twin(x)
        assert torch.equal(y, expected)
        y.square().sum().backward()
        expected.square().sum().backward()
    for a, b in zip(layer.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    for a, b in zip(layer.buffers(), twin.buffers(), strict=True):
        assert torch.equal(a, b)
    exported = torch.export.export(layer.eval(), (x,)).module()
    assert torch.equal(exported(x), twin.eval()(x))


def test_memory_only_the_integers_are_kept() -> None:
    """A first layer saves its integer input for the weight gradient, and nothing else of that size."""
    layer = QuantConv2d(3, 1, 1, input_quantizer=PixelQuantizer(*IMAGENET))
    x = normalised(pixels(4, 3, 32, 32), *IMAGENET)
    saved: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        layer(x)
    assert sum(size >= x.numel() for size in saved) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: QuantLinear(33_001, 2), "has 33001 weights, but it must have at most 33000"),
        (lambda: QuantConv2d(3, 2, 3, input_quantizer=PixelQuantizer([0.5], [0.5])), "have 1 channels, but they must"),
        (lambda: QuantLinear(12, 2, input_quantizer=PixelQuantizer([0.5] * 3, [0.5] * 3)), "3 channels, but they"),
        (lambda: PixelQuantizer([], []), "each must have one number per channel"),
        (lambda: PixelQuantizer([0.5], [0.5, 0.5]), "each must have one number per channel"),
        (lambda: PixelQuantizer([123.7], [58.4]), "0 <= mean <= 1"),
        (lambda: PixelQuantizer([0.5], [0.0]), "std > 0"),
        (lambda: PixelQuantizer([float("nan")], [0.5]), "0 <= mean <= 1"),
        (lambda: QuantLinear(4, 2)(torch.ones(1, 5)), r"shape \(1, 5\), but it must be \(\.\.\., 4\)"),
        (lambda: QuantLinear(4, 2)(torch.ones(1, 4, dtype=torch.uint8)), "a floating dtype"),
        (lambda: QuantConv2d(3, 2, 3)(torch.ones(1, 4, 5, 5)), r"but it must be \(N, 3, H, W\)"),
        (lambda: QuantConv2d(3, 2, 3)(torch.ones(3, 5)), r"but it must be \(N, 3, H, W\)"),
        (lambda: pixel_layer().integers(torch.full((1, 1, 3, 3), torch.nan)), "input holds NaN"),
    ],
)
def test_refused(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def pixel_layer() -> QuantConv2d:
    return QuantConv2d(1, 1, 3, input_quantizer=PixelQuantizer([0.5], [0.5]))
