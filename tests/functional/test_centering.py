"""Centring inside the graph and as a projection."""

import numpy as np
import pytest
import torch

from xnorkit.errors import InputError
from xnorkit.functional import center, center_, scaled_sign


def pair(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(11)
    return tuple(torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 3), (2, 3, 4)])
def test_forward_and_gradient(shape: tuple[int, ...]) -> None:
    w, g = pair(shape)
    w.requires_grad_()
    center(w).backward(g)
    numpy = w.detach().numpy()
    np.testing.assert_allclose(center(w).detach().numpy(), numpy - numpy.mean(1, keepdims=True), atol=1e-15)
    jacobian = np.eye(shape[1]) - 1 / shape[1]
    np.testing.assert_allclose(w.grad.numpy(), np.einsum("oc...,cd->od...", g.numpy(), jacobian), atol=1e-15)


def test_projection_works_in_place_once() -> None:
    w, _ = pair((2, 4, 3, 3))
    expected = center(w)
    assert center_(w) is w
    torch.testing.assert_close(w, expected, rtol=0, atol=0)
    torch.testing.assert_close(center_(w.clone()), w, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_same_path_under_sgd_only(kind: str) -> None:
    start, target = pair((3, 4, 3, 3))
    used = []
    for inside in (True, False):
        w = torch.nn.Parameter(center(start * 0.1))
        optimizer = (
            torch.optim.SGD([w], lr=0.01, momentum=0.9, weight_decay=0.1)
            if kind == "sgd"
            else torch.optim.Adam([w], lr=0.01)
        )
        for _ in range(4):
            if not inside:
                center_(w)
            optimizer.zero_grad()
            (scaled_sign(center(w) if inside else w) - target).pow(2).sum().backward()
            optimizer.step()
        used.append(center(w.detach()))
    assert torch.allclose(used[0], used[1], rtol=1e-9, atol=1e-12) == (kind == "sgd")


@pytest.mark.parametrize("function", [center, center_])
@pytest.mark.parametrize("shape", [(4, 1, 3, 3), (4,)])
def test_one_input_channel_is_refused(function: object, shape: tuple[int, ...]) -> None:
    w = torch.ones(shape)
    with pytest.raises(InputError, match="C_in of at least 2"):
        function(w)
    assert torch.equal(w, torch.ones(shape))
