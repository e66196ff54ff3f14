"""Thresholds equal the chain on every value; directions and refusals are right."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from xnorkit.compile.thresholds import direction, float_thresholds, integer_thresholds
from xnorkit.errors import ExportError


def bits(values: np.ndarray, threshold: np.ndarray, flip: np.ndarray) -> np.ndarray:
    return (values < threshold) ^ (flip != 0)


def chain_of(scale: list[float], shift: list[float]) -> nn.Module:
    class Affine(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * torch.tensor(scale) + torch.tensor(shift)

    return Affine()


@pytest.mark.parametrize("reach", [1, 2, 25, 800])
def test_integers_equal_the_chain_everywhere(reach: int) -> None:
    # rising, falling, constant +1, constant -1, changing at the ends and at zero, zero slope
    scale = [0.3, -0.7, 1e-3, 1e-3, 1.0, -1.0, 1.0, 0.0, 0.0]
    shift = [0.1, 0.4, 5e3, -5e3, -float(reach), float(reach), 0.0, 0.0, -1.0]
    chain = chain_of(scale, shift)
    found = integer_thresholds(chain, reach, "layer")
    dots = torch.arange(-reach, reach + 1, dtype=torch.float32)[:, None]
    expected = ~(chain(dots) >= 0).numpy()
    assert found.threshold.dtype == np.int32
    assert np.array_equal(bits(dots.numpy().astype(np.int32), found.threshold, found.flip), expected)
    assert found.flip.tolist()[:2] == [0, 1]


def test_a_chain_with_two_changes_is_refused() -> None:
    prelu = nn.PReLU(init=-0.5)
    with pytest.raises(ExportError, match=r"after 'block\.conv' changes 2 times"):
        integer_thresholds(lambda d: prelu(d) - 2.0, 9, "block.conv")


def test_floats_equal_the_chain_around_the_change() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(64).eval()
    norm.running_mean = torch.randn(64) * 3
    norm.running_var = torch.rand(64) + 0.01
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    norm.weight.data[5] = 0.0
    chain = nn.Sequential(norm, nn.Hardtanh(-2, 2))
    with torch.no_grad():
        found = float_thresholds(lambda v: chain(v.expand(-1, 64)))
        near = [found.threshold]
        for way in (-np.inf, np.inf):
            value = found.threshold
            for _ in range(3):
                value = np.nextafter(value, np.float32(way), dtype=np.float32)
                near.append(value)
        far = np.float32([[-9e29], [-1.0], [-0.0], [0.0], [1e-45], [7.0], [9e29]]) + np.zeros((7, 64), np.float32)
        values = np.concatenate([np.stack(near), far]).astype(np.float32)
        values = np.where(np.isfinite(values), values, np.float32(0))
        expected = ~(chain(torch.from_numpy(values)) >= 0).numpy()
    assert np.array_equal(bits(values, found.threshold, found.flip), expected)
    assert set(found.flip.tolist()) == {0, 1}


def test_constant_floats_get_infinite_thresholds() -> None:
    relu = nn.ReLU()
    always_plus = float_thresholds(lambda v: relu(v.expand(-1, 2)))
    assert np.array_equal(always_plus.threshold, np.float32([-np.inf, -np.inf]))
    always_minus = float_thresholds(lambda v: relu(v.expand(-1, 2)) - 1e31)
    assert np.array_equal(always_minus.threshold, np.float32([np.inf, np.inf]))
    assert not always_plus.flip.any()
    assert not always_minus.flip.any()


def test_direction() -> None:
    assert direction(chain_of([2.0, -2.0, 0.0], [0.0, 0.0, 1.0]), 5, "x").tolist() == [1, -1, 1]
    with pytest.raises(ExportError, match="not monotone"):
        direction(torch.abs, 5, "x")
