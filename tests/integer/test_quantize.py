"""Rounding, clamping and their straight-through gradients, against NumPy."""

import numpy as np
import pytest
import torch

from xnorkit.functional.quantize import (
    MAX_FLOAT32_PRODUCTS,
    filter_scale,
    quantize_ste,
    round_ste,
    sum_dtype,
)


def test_halves_round_to_the_even_integer() -> None:
    x = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5, 127.5, 0.49999997, 8388607.5])
    expected = [-2.0, -2.0, 0.0, 0.0, 2.0, 2.0, 126.0, 128.0, 0.0, 8388608.0]
    assert round_ste(x).tolist() == expected
    np.testing.assert_array_equal(round_ste(x).numpy(), np.rint(x.numpy()))


def test_rounding_passes_the_gradient() -> None:
    x = torch.tensor([0.2, 0.5, -7.9], requires_grad=True)
    round_ste(x).backward(torch.tensor([1.0, 2.0, 3.0]))
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-128, 127), (-127, 127)])
def test_quantize_is_numpys_formula(low: int, high: int) -> None:
    generator = torch.Generator().manual_seed(high - low)
    x = (torch.randn(4, 500, generator=generator, dtype=torch.float64) * 3).requires_grad_()
    s = torch.tensor(0.021, dtype=torch.float64, requires_grad=True)
    g = torch.randn(4, 500, generator=generator, dtype=torch.float64)
    q = quantize_ste(x, s, low, high)
    q.backward(g)
    v = x.detach().numpy() / 0.021
    rounded = np.rint(v)
    inside = (low <= rounded) & (rounded <= high)
    assert 0.05 < 1 - inside.mean() < 0.95, "both cases must occur"
    np.testing.assert_array_equal(q.detach().numpy(), np.minimum(np.maximum(rounded, low), high))
    assert x.grad is not None
    assert s.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), g.numpy() * inside / 0.021, rtol=1e-14)
    np.testing.assert_allclose(s.grad.item(), (g.numpy() * inside * -v / 0.021).sum(), rtol=1e-12)


def test_the_product_with_the_scale_has_the_gradient_of_lsq() -> None:
    x = torch.tensor([0.34, -5.0, 9.0, 0.8], dtype=torch.float64)
    for value, rule in zip(x, [3 - 3.4, -10.0, 20.0, 8 - 8.0], strict=True):
        s = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
        (s * quantize_ste(value, s, -10, 20)).backward()
        assert s.grad is not None
        assert s.grad.item() == pytest.approx(rule, abs=1e-12)


def test_the_border_keeps_its_gradient() -> None:
    """127.4 rounds to 127, so it is not clamped; 127.6 rounds to 128 and is."""
    x = torch.tensor([127.4, 127.6], requires_grad=True)
    quantize_ste(x, torch.tensor(1.0), -127, 127).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 0.0]


def test_no_filter_is_clamped() -> None:
    generator = torch.Generator().manual_seed(5)
    w = torch.randn(2000, 3, 3, 3, generator=generator) * torch.logspace(-27, 5, 2000)[:, None, None, None]
    q = round_ste(w / filter_scale(w)[:, None, None, None])
    assert q.abs().flatten(1).amax(1).eq(127).all()
    assert filter_scale(torch.zeros(1, 4)).item() > 0


def test_the_bound_of_float32_is_sharp() -> None:
    assert MAX_FLOAT32_PRODUCTS == 518
    assert 518 * 255 * 127 <= 2**24 < 519 * 255 * 127
    assert sum_dtype(518, torch.float32) == torch.float32
    assert sum_dtype(519, torch.float32) == sum_dtype(1, torch.float64) == torch.float64
