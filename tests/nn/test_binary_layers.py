"""BinaryConv2d and BinaryLinear against the explicit operations on signs."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import fx, nn

from xnorkit.errors import InputError
from xnorkit.functional import scaled_sign
from xnorkit.nn import BinaryConv2d, BinaryConvTranspose2d, BinaryLinear

GEOMETRIES = [
    {"kernel_size": 3},
    {"kernel_size": 5, "padding": 2, "stride": 2},
    {"kernel_size": (1, 3), "padding": (0, 1), "bias": False},
    {"kernel_size": 3, "padding": "same", "dilation": 2},
    {"kernel_size": 3, "padding": 1, "groups": 3},
    {"kernel_size": 3, "padding": "valid", "scale": False},
]


def explicit_dots(x: NDArray[np.float32], w: NDArray[np.float32], stride: int, padding: int) -> NDArray[np.int64]:
    """Integers of the convolution of signs, tap by tap; a padded tap adds 0."""
    s, t = np.where(x >= 0, 1, -1), np.where(w >= 0, 1, -1)
    s = np.pad(s, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    kh, kw = w.shape[2:]
    height, width = (s.shape[2] - kh) // stride + 1, (s.shape[3] - kw) // stride + 1
    y = np.zeros((len(x), len(w), height, width), np.int64)
    for i, j in np.ndindex(kh, kw):
        window = s[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
        y += np.einsum("nchw,oc->nohw", window, t[:, :, i, j])
    return y


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (5, 2, 2), (2, 3, 1)])
def test_dot_is_the_exact_integer(kernel: int, stride: int, padding: int) -> None:
    torch.manual_seed(1)
    layer = BinaryConv2d(13, 7, kernel, stride, padding, bias=False, scale=False)
    x = torch.randn(2, 13, 9, 8)
    expected = explicit_dots(x.numpy(), layer.weight.detach().numpy(), stride, padding)
    assert np.array_equal(layer(x).detach().numpy(), expected)


@pytest.mark.parametrize("options", GEOMETRIES, ids=str)
def test_conv_forward_and_gradients(options: dict) -> None:
    torch.manual_seed(2)
    layer = BinaryConv2d(6, 9, dtype=torch.float64, **options)
    nn.init.normal_(layer.weight)
    x = torch.randn(2, 6, 8, 7, dtype=torch.float64, requires_grad=True)
    y = layer(x)
    g = torch.randn_like(y)
    y.backward(g)

    v, w = x.detach().clone().requires_grad_(), layer.weight.detach().clone().requires_grad_()
    clipped = v.clip(-1, 1)
    signs = clipped + (torch.where(v >= 0, 1.0, -1.0) - clipped).detach()
    if options.get("scale", True):
        kernel = scaled_sign(w)
    else:
        inside = w.clip(-1, 1)
        kernel = inside + (torch.where(w >= 0, 1.0, -1.0) - inside).detach()
    z = F.conv2d(signs, kernel, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups)
    z.backward(g)
    for ours, theirs in ((y, z), (x.grad, v.grad), (layer.weight.grad, w.grad)):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)


def test_linear_forward_and_gradients() -> None:
    torch.manual_seed(3)
    layer = BinaryLinear(33, 5, dtype=torch.float64)
    x = torch.randn(4, 33, dtype=torch.float64)
    y = layer(x)
    g = torch.randn_like(y)
    y.backward(g)
    w = layer.weight.detach().clone().requires_grad_()
    z = F.linear(torch.where(x >= 0, 1.0, -1.0).double(), scaled_sign(w), layer.bias)
    z.backward(g)
    torch.testing.assert_close(y, z, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(layer.weight.grad, w.grad, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("layer", [BinaryConv2d(3, 4, 3), BinaryLinear(10, 4)], ids=["conv", "linear"])
def test_output_is_a_function_of_the_integer_dot(layer: BinaryConv2d | BinaryLinear) -> None:
    """y = dot * alpha + bias in float32, each operation rounded, bit for bit."""
    torch.manual_seed(4)
    x = torch.randn(2, 3, 6, 6) if isinstance(layer, BinaryConv2d) else torch.randn(2, 10)
    raw = copy.deepcopy(layer)
    raw.scale, raw.bias = False, None
    dot = raw(x).detach().numpy()
    assert np.array_equal(dot, np.rint(dot))
    shape = (-1, 1, 1) if isinstance(layer, BinaryConv2d) else (-1,)
    alpha, bias = layer.alpha().numpy().reshape(shape), layer.bias.detach().numpy().reshape(shape)
    assert np.array_equal(layer(x).detach().numpy(), dot * alpha + bias)


def test_binary_weight_alpha_and_projection() -> None:
    layer = BinaryLinear(3, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-2.0, 0.0, 0.5], [1.5, -0.25, -1.0]]))
    assert layer.binary_weight().tolist() == [[-1, 1, 1], [1, -1, -1]]
    assert layer.alpha().tolist() == [np.float32(2.5) / np.float32(3), np.float32(2.75) / np.float32(3)]
    assert not layer.binary_weight().requires_grad
    assert not layer.alpha().requires_grad
    layer.project_(closed=True)
    assert layer.weight.tolist() == [[-1, 0, 0.5], [1, -0.25, -1]]
    layer.project_()
    below = float(np.nextafter(np.float32(1), np.float32(0)))
    assert layer.weight.tolist() == [[-below, 0, 0.5], [below, -0.25, -below]]
    assert layer.weight.requires_grad
    assert BinaryConv2d(2, 3, 1, scale=False).alpha().tolist() == [1, 1, 1]


def test_autocast_is_off_inside() -> None:
    torch.manual_seed(5)
    layer, x = BinaryLinear(3000, 4), torch.randn(2, 3000)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = layer(x)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, layer(x))


def test_half_weights_still_count_exactly() -> None:
    layer = BinaryLinear(4001, 1, bias=False, scale=False, dtype=torch.float16)
    with torch.no_grad():
        layer.weight.fill_(0.5)
    y = layer(torch.ones(1, 4001, dtype=torch.float16))
    assert y.dtype == torch.float16
    assert y.item() == 4000  # 4001 exactly in float32, then rounded once; counting in float16 would stop at 2048


def test_one_image_without_a_batch() -> None:
    layer = BinaryConv2d(2, 3, 3)
    x = torch.randn(2, 5, 5)
    assert torch.equal(layer(x), layer(x[None])[0])


def test_traced_as_leaf() -> None:
    class Tracer(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return isinstance(m, BinaryConv2d | BinaryLinear) or super().is_leaf_module(m, module_qualified_name)

    graph = Tracer().trace(nn.Sequential(BinaryConv2d(1, 2, 3), nn.Flatten(), BinaryLinear(2, 2)))
    assert [node.op for node in graph.nodes] == ["placeholder", *["call_module"] * 3, "output"]


def test_repr_names_the_scale_only_when_off() -> None:
    assert "scale=False" in repr(BinaryConv2d(1, 1, 1, scale=False))
    assert "scale=False" in repr(BinaryLinear(1, 1, scale=False))
    assert "scale" not in repr(BinaryConv2d(1, 1, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BinaryConv2d(1, 1, 3, padding_mode="reflect"), "padding_mode='reflect', but it must be 'zeros'"),
        (lambda: BinaryConv2d(1, 1, 3, padding="full"), "full"),
        (lambda: BinaryConv2d(0, 4, 3), "BinaryConv2d: in_channels=0, but it must be at least 1"),
        (lambda: BinaryConv2d(4, 0, 3), "out_channels=0"),
        (lambda: BinaryConv2d(4, 4, 0), "kernel_size=0"),
        (lambda: BinaryConv2d(4, 4, (3, -1)), r"kernel_size=\(3, -1\)"),
        (lambda: BinaryConv2d(4, 4, 3, stride=0), "stride=0"),
        (lambda: BinaryConv2d(4, 4, 3, dilation=(1, 0)), r"dilation=\(1, 0\)"),
        (lambda: BinaryConv2d(4, 4, 3, padding=-1), "padding=-1, but it must be at least 0"),
        (lambda: BinaryConv2d(4, 4, 3, groups=0), "groups must be a positive integer"),
        (lambda: BinaryConvTranspose2d(4, 4, 0), "BinaryConvTranspose2d: kernel_size=0"),
        (lambda: BinaryLinear(0, 4), "BinaryLinear: in_features=0"),
        (lambda: BinaryLinear(4, -1), "out_features=-1"),
        (lambda: BinaryConv2d(1, 1, 3, padding="same", stride=2), "strided"),
        (lambda: BinaryConv2d(3, 4, 3, groups=2), "groups"),
        (lambda: BinaryConv2d(2**24 + 1, 1, 1, device="meta"), "has 16777217 weights"),
        (lambda: BinaryLinear(2**24 + 1, 1, device="meta"), "2\\^24"),
        (lambda: BinaryConv2d(3, 4, 3)(torch.zeros(1, 2, 5, 5)), r"\(1, 2, 5, 5\), but it must be \(N, 3, H, W\)"),
        (lambda: BinaryConv2d(3, 4, 3)(torch.zeros(5, 5)), r"\(5, 5\), but it must be"),
        (lambda: BinaryConv2d(3, 4, 3)(torch.zeros(1, 3, 5, 5, dtype=torch.uint8)), "torch.uint8, but it must be"),
        (lambda: BinaryLinear(3, 4)(torch.zeros(1, 4)), r"but it must be \(..., 3\)"),
        (lambda: BinaryLinear(3, 4)(torch.tensor(1.0)), r"\(\), but it must be"),
        (lambda: BinaryLinear(3, 4)(torch.zeros(1, 3, dtype=torch.int64)), "torch.int64, but it must be"),
    ],
)
def test_bad_input_is_refused(make: type, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_the_longest_allowed_dot_product() -> None:
    assert BinaryLinear(2**24, 1, device="meta").in_features == 2**24
