"""The sign without a zero and its straight-through gradient."""

import math

import pytest
import torch

from xnorkit.functional import sign, sign_ste

VALUES = [-math.inf, -2.0, -1.0, -0.5, -1e-45, -0.0, 0.0, 1e-45, 0.5, 1.0, 2.0, math.inf, math.nan]
SIGNS = [-1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, -1]
PASSES = [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("function", [sign, sign_ste])
def test_values(function: type[torch.Tensor], dtype: torch.dtype) -> None:
    y = function(torch.tensor(VALUES, dtype=dtype))
    assert y.dtype == dtype
    assert y.tolist() == SIGNS


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype) -> None:
    x = torch.tensor([-1.0, -0.0, 3.0], dtype=dtype)
    assert sign(x).dtype == dtype
    assert sign(x).tolist() == [-1, 1, 1]


def test_gradient_passes_where_the_magnitude_is_below_one() -> None:
    x = torch.tensor(VALUES, requires_grad=True)
    g = torch.arange(1.0, len(VALUES) + 1)
    sign_ste(x).backward(g)
    assert x.grad is not None
    assert x.grad.tolist() == [a * b for a, b in zip(g.tolist(), PASSES, strict=True)]


def test_only_a_bool_mask_is_kept() -> None:
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.dtype) or t, lambda t: t):
        sign_ste(torch.randn(8, requires_grad=True))
    assert kept == [torch.bool]


def test_no_gradient_through_sign() -> None:
    assert not sign(torch.randn(3, requires_grad=True)).requires_grad


# torch.compile itself makes an instance of the autograd function's base class.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles() -> None:
    x = torch.tensor(VALUES, requires_grad=True)
    torch.compile(sign_ste, backend="aot_eager", fullgraph=True)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == PASSES
