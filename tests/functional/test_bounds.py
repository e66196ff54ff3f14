"""Latent weights are clamped to where their straight-through gradient is 1."""

import pytest
import torch

from xnorkit.functional import clamp_weights_, sign_ste


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("clip", [0.5, 1.0, 1.25, 3.0])
def test_open_and_closed(dtype: torch.dtype, clip: float) -> None:
    start = torch.tensor([-9.0, -clip, -0.25, 0.0, 0.25, clip, 9.0], dtype=dtype)
    closed = clamp_weights_(start.clone(), clip, closed=True)
    assert closed.tolist() == [-clip, -clip, -0.25, 0, 0.25, clip, clip]
    w = clamp_weights_(start.clone(), clip)
    assert torch.equal(w.sign(), start.sign())
    assert (w.abs() < clip).all()
    assert torch.equal(clamp_weights_(w.clone(), clip), w)
    for values, moving in ((w, 7), (closed, 3)):
        values.requires_grad_()
        sign_ste(values, clip).sum().backward()
        assert values.grad is not None
        assert values.grad.count_nonzero() == moving


def test_in_place() -> None:
    w = torch.full((3,), 2.0)
    assert clamp_weights_(w, 1.0) is w
    assert w.tolist() == [1 - 2**-24] * 3
