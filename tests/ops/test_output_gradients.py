"""Forward and gradient of each output process against the formulas, written with loops in NumPy."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from ops_cases import OUTPUTS, conv, image
from torch import Tensor, nn

from xnorkit import ops
from xnorkit.errors import InputError

Array = NDArray[np.float64]
LAYERS = {
    "Conv2d": (conv(), (2, 6, 5, 5)),
    "Linear": (nn.Linear(5, 3), (4, 2, 3)),
    "Conv1d": (nn.Conv1d(2, 6, 3), (2, 6, 7)),
    "Conv3d": (nn.Conv3d(2, 6, 1), (2, 6, 2, 3, 2)),
    "ConvTranspose2d": (nn.ConvTranspose2d(2, 6, 2), (2, 6, 3, 3)),
}


def tensors(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    return image(*shape, seed=1, dtype=torch.float64).requires_grad_(), image(*shape, seed=2, dtype=torch.float64)


def channel_axis(kind: str, y: Tensor) -> int:
    return y.dim() - 1 if kind == "Linear" else 1


def broadcast(parameter: Tensor, kind: str, y: Tensor) -> Array:
    axis = channel_axis(kind, y)
    return parameter.detach().numpy().reshape([-1 if i == axis else 1 for i in range(y.dim())])


def over_channels(values: Array, kind: str, y: Tensor) -> Array:
    return values.sum(tuple(i for i in range(y.dim()) if i != channel_axis(kind, y)))


def randomize(module: nn.Module) -> None:
    torch.manual_seed(3)
    for parameter in module.parameters():
        nn.init.normal_(parameter)


def test_every_output_process_is_tested_here() -> None:
    assert set(OUTPUTS) == {"BasicScaleBinarizer", "BiasPostprocess", "RPReLU", "XNORScaleBinarizer"}


@pytest.mark.parametrize("kind", LAYERS)
def test_scale_and_bias(kind: str) -> None:
    layer, shape = LAYERS[kind]
    for name, parameter, forward, slope in (
        ("BasicScaleBinarizer", "alpha", np.multiply, lambda y, _: y),
        ("BiasPostprocess", "bias", np.add, lambda y, _: np.ones_like(y)),
    ):
        y, g = tensors(shape)
        module = getattr(ops, name)(layer).double()
        torch.testing.assert_close(module(y).detach(), y.detach())  # both start as the identity
        randomize(module)
        p = getattr(module, parameter)
        z = module(y, None)
        z.backward(g)
        assert y.grad is not None
        values = broadcast(p, kind, y)
        np.testing.assert_allclose(z.detach().numpy(), forward(y.detach().numpy(), values), rtol=1e-14)
        through = g.numpy() * values if name == "BasicScaleBinarizer" else g.numpy()
        np.testing.assert_allclose(y.grad.numpy(), through, rtol=1e-14)
        expected = over_channels(g.numpy() * slope(y.detach().numpy(), values), kind, y)
        np.testing.assert_allclose(p.grad.numpy().ravel(), expected, rtol=1e-10)


@pytest.mark.parametrize("kind", LAYERS)
def test_rprelu(kind: str) -> None:
    layer, shape = LAYERS[kind]
    y, g = tensors(shape)
    module = ops.RPReLU(layer).double()
    torch.testing.assert_close(module(y).detach(), torch.nn.functional.leaky_relu(y.detach(), 0.25))
    randomize(module)
    gamma, beta, zeta = (broadcast(p, kind, y) for p in (module.gamma, module.beta, module.zeta))
    z = module(y, None)
    z.backward(g)
    u, upstream = y.detach().numpy() - gamma, g.numpy()
    np.testing.assert_allclose(z.detach().numpy(), np.where(u > 0, u, beta * u) + zeta, rtol=1e-13)
    through = np.where(u > 0, upstream, beta * upstream)
    assert y.grad is not None
    np.testing.assert_allclose(y.grad.numpy(), through, rtol=1e-13)
    for parameter, expected in (
        (module.gamma, -through),
        (module.beta, upstream * np.minimum(u, 0)),
        (module.zeta, upstream),
    ):
        total = over_channels(expected, kind, y)
        np.testing.assert_allclose(parameter.grad.numpy().ravel(), total, rtol=1e-10, atol=1e-12)


def test_rprelu_from_a_number_of_channels_is_the_plain_module() -> None:
    y = image(2, 6, 4, 4)
    torch.testing.assert_close(ops.RPReLU(6)(y), ops.RPReLU(conv())(y, None))
    assert ops.RPReLU(6, dims=0).beta.shape == (1, 6)
    assert ops.RPReLU(6)(y[0]).shape == (6, 4, 4)


def k_map(x: Array, layer: Any) -> Array:
    """K (N, G, H_out, W_out) by summation over the kernel, position by position."""
    (kh, kw), (sh, sw), (dh, dw), groups = layer.kernel_size, layer.stride, layer.dilation, layer.groups
    ph, pw = layer.padding
    n, c, h, w = x.shape
    a = np.abs(x).reshape(n, groups, c // groups, h, w).mean(2)
    out_h, out_w = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    k = np.zeros((n, groups, out_h, out_w))
    for r, s, i, j in itertools.product(range(out_h), range(out_w), range(kh), range(kw)):
        row, column = r * sh + i * dh - ph, s * sw + j * dw - pw
        if 0 <= row < h and 0 <= column < w:
            k[:, :, r, s] += a[:, :, row, column] / (kh * kw)
    return k


GEOMETRIES = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "padding": 1, "groups": 2},
    {"kernel_size": (2, 3), "stride": (2, 1), "padding": (0, 2), "dilation": (1, 2), "groups": 4},
    {"kernel_size": 1},
    {"kernel_size": 5, "stride": 3, "padding": 2, "groups": 2},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_k_map(geometry: dict[str, Any]) -> None:
    layer = nn.Conv2d(4, 8, **geometry)
    x = image(2, 4, 7, 6, seed=1, dtype=torch.float64).requires_grad_()
    k = k_map(x.detach().numpy(), layer)
    y = image(2, 8, *k.shape[2:], seed=2, dtype=torch.float64).requires_grad_()
    g = image(*y.shape, seed=3, dtype=torch.float64)
    z = ops.XNORScaleBinarizer(layer)(y, x)
    z.backward(g)
    per_channel = np.repeat(k, 8 // layer.groups, axis=1)  # each output channel has the map of its group
    np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy() * per_channel, rtol=1e-12)
    assert x.grad is not None
    assert y.grad is not None
    np.testing.assert_allclose(y.grad.numpy(), g.numpy() * per_channel, rtol=1e-12)
    # K is linear in |x|: its derivative with respect to one |x| is the map of an image with a single 1.
    dk = (g * y).detach().numpy().reshape(2, layer.groups, -1, *k.shape[2:]).sum(2)
    for index in [(0, 0, 0, 0), (1, 1, 3, 2), (0, 3, 6, 5), (1, 2, 0, 4), (0, 2, 4, 0)]:
        unit = np.zeros(x.shape)
        unit[index] = 1
        expected = np.sign(x[index].item()) * (dk * k_map(unit, layer)).sum()
        np.testing.assert_allclose(x.grad[index].item(), expected, rtol=1e-11, atol=1e-15)


def test_k_map_of_one_image_is_that_of_a_batch_of_one() -> None:
    layer = conv(groups=2)
    module, x, y = ops.XNORScaleBinarizer(layer), image(4, 5, 5), image(6, 5, 5)
    assert torch.equal(module(y, x), module(y[None], x[None])[0])


def test_k_map_of_features_and_of_other_dimensions() -> None:
    x, y = image(3, 2, 5), image(3, 2, 7)
    torch.testing.assert_close(ops.XNORScaleBinarizer(nn.Linear(5, 7))(y, x), y * x.abs().mean(-1, keepdim=True))
    signal = nn.Conv1d(4, 6, 3, padding="same", groups=2)
    as_image = nn.Conv2d(4, 6, (1, 3), padding=(0, 1), groups=2)
    x, y = image(2, 4, 9), image(2, 6, 9)
    expected = ops.XNORScaleBinarizer(as_image)(y[:, :, None], x[:, :, None])[:, :, 0]
    torch.testing.assert_close(ops.XNORScaleBinarizer(signal)(y, x), expected)
    volume = nn.Conv3d(2, 4, 1)
    x, y = image(1, 2, 2, 3, 2), image(1, 4, 2, 3, 2)
    torch.testing.assert_close(ops.XNORScaleBinarizer(volume)(y, x), y * x.abs().mean(1, keepdim=True))


def test_k_map_does_not_follow_autocast() -> None:
    x, y = image(), image(2, 6, 5, 5)
    module = ops.XNORScaleBinarizer(conv())
    with torch.autocast("cpu", torch.bfloat16):
        inside = module(y, x)
    assert torch.equal(inside, module(y, x))


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d(2, 3, 2), nn.Embedding(4, 5), nn.ReLU()], ids=str)
def test_layers_without_a_k_map_are_refused(layer: nn.Module) -> None:
    with pytest.raises(InputError, match="it must be a Linear, Conv1d, Conv2d or Conv3d"):
        ops.XNORScaleBinarizer(layer)


def test_other_paddings_have_no_k_map() -> None:
    with pytest.raises(InputError, match="padding_mode='reflect', but it must be 'zeros'"):
        ops.XNORScaleBinarizer(nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"))
