"""The scaled sign and its gradient, against an independent NumPy formula and against autograd."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from xnorkit.functional import mean_abs, scaled_sign

SHAPES = [(1, 1), (3, 7), (4, 3, 3, 3), (5, 1, 1, 1), (2, 8, 5, 5)]


def closed_form(w: NDArray[np.float64], g: NDArray[np.float64]) -> NDArray[np.float64]:
    """dC/dW_i, written element by element as in the formula."""
    result = np.empty_like(w)
    for o in range(len(w)):
        n = w[o].size
        s = np.where(w[o] >= 0, 1.0, -1.0)
        total = sum(g[o][j] * s[j] for j in np.ndindex(w[o].shape))
        alpha = sum(abs(w[o][j]) for j in np.ndindex(w[o].shape)) / n
        for i in np.ndindex(w[o].shape):
            result[o][i] = s[i] * total / n + alpha * g[o][i] * (abs(w[o][i]) < 1)
    return result


def weights(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(len(shape) + shape[0])
    w = torch.randn(shape, generator=generator, dtype=dtype)  # about a third of the entries lie beyond +-1
    return w.requires_grad_(), torch.randn(shape, generator=generator, dtype=dtype)


@pytest.mark.parametrize("shape", SHAPES)
def test_forward(shape: tuple[int, ...]) -> None:
    w, _ = weights(shape)
    numpy = w.detach().numpy()
    alpha = np.abs(numpy).reshape(shape[0], -1).mean(1)
    expected = np.where(numpy >= 0, 1.0, -1.0) * alpha.reshape(-1, *[1] * (len(shape) - 1))
    np.testing.assert_allclose(scaled_sign(w).detach().numpy(), expected, rtol=1e-14)
    np.testing.assert_allclose(mean_abs(w).detach().numpy(), alpha, rtol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_the_closed_form(shape: tuple[int, ...]) -> None:
    w, g = weights(shape)
    scaled_sign(w).backward(g)
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.numpy(), closed_form(w.detach().numpy(), g.numpy()), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_that_of_the_straight_through_graph(shape: tuple[int, ...]) -> None:
    w, g = weights(shape)
    scaled_sign(w).backward(g)
    v = w.detach().clone().requires_grad_()
    clipped, alpha = v.clip(-1, 1), v.abs().flatten(1).mean(1).view(-1, *[1] * (len(shape) - 1))
    (alpha * (clipped + (torch.sign(v) - clipped).detach())).backward(g)
    assert w.grad is not None
    assert v.grad is not None
    torch.testing.assert_close(w.grad, v.grad, rtol=1e-12, atol=1e-14)


def test_gradient_at_zero_and_at_the_border() -> None:
    w = torch.tensor([[0.0, 1.0, -1.0, -0.0, 0.5, 2.0]], dtype=torch.float64, requires_grad=True)
    g = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], dtype=torch.float64)
    scaled_sign(w).backward(g)
    assert w.grad is not None
    # sum_j g_j s_j = 15, n = 6, alpha = 0.75; |W| = 1 passes nothing through the sign.
    np.testing.assert_allclose(w.grad.numpy(), [[3.25, 2.5, -2.5, 5.5, 6.25, 2.5]], rtol=1e-15)


def test_the_papers_own_formula_is_not_ours() -> None:
    """The paper keeps only j = i of the sum; a gradient test that both pass would prove nothing."""
    w, g = weights((3, 7))
    scaled_sign(w).backward(g)
    alpha = w.detach().abs().mean(1, keepdim=True)
    papers = g * (1 / 7 + alpha * (w.detach().abs() < 1))
    assert w.grad is not None
    assert not torch.allclose(w.grad, papers, rtol=1e-2)


# torch.compile itself makes an instance of the autograd function's base class.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles() -> None:
    w, g = weights((4, 3, 3, 3), torch.float32)
    compiled = torch.compile(scaled_sign, backend="aot_eager", fullgraph=True)
    compiled(w).backward(g)
    v = w.detach().clone().requires_grad_()
    scaled_sign(v).backward(g)
    torch.testing.assert_close(w.grad, v.grad)
