"""Every gradient rule against its formula written element by element in NumPy, and the comparison of the rules."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import (
    GRADIENT_RULES,
    compare_gradient_rules,
    scaled_sign,
    scaled_sign_factors,
    scaled_sign_gradient,
    sign,
)

SHAPES = [(3, 7), (4, 3, 3, 3), (5, 2, 1, 1), (2, 3, 4)]
OPTIONS = [(rule, False) for rule in GRADIENT_RULES] + [("xnor-net-pytorch", True)]


def formula(rule: str, w: NDArray[np.float64], g: NDArray[np.float64]) -> NDArray[np.float64]:
    """dC/dW_i for one rule, one element at a time."""
    result = np.zeros_like(w)
    for o in range(w.shape[0]):
        positions = list(np.ndindex(w[o].shape))
        n = len(positions)
        s = {j: 1.0 if w[o][j] >= 0 else -1.0 for j in positions}
        alpha = sum(abs(w[o][j]) for j in positions) / n
        total = sum(g[o][j] * s[j] for j in positions)
        for i in positions:
            strict, wide = abs(w[o][i]) < 1, abs(w[o][i]) <= 1
            result[o][i] = {
                "exact": s[i] * total / n + alpha * g[o][i] * strict,
                "ste": alpha * g[o][i] * strict,
                "paper": g[o][i] * (1 / n + alpha * strict),
                "xnor-net-pytorch": n * (1 - 1 / w.shape[1]) * (s[i] * total / n + alpha * g[o][i] * wide),
            }[rule]
    return result


def weights(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(sum(shape))
    w = torch.randn(shape, generator=generator, dtype=dtype)
    w.view(-1)[:6] = torch.tensor([1.0, -1.0, 0.0, 2.0, -0.0, -3.0], dtype=dtype)
    return w.requires_grad_(), torch.randn(shape, generator=generator, dtype=dtype)


def expected(rule: str, scale_1e9: bool, w: Tensor, g: Tensor) -> NDArray[np.float64]:
    return formula(rule, w.detach().numpy(), g.numpy()) * (1e9 if scale_1e9 else 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rule", "scale_1e9"), OPTIONS)
def test_gradient_is_the_formula(rule: str, scale_1e9: bool, shape: tuple[int, ...]) -> None:
    w, g = weights(shape)
    y = scaled_sign(w, rule, scale_1e9=scale_1e9)
    y.backward(g)
    torch.testing.assert_close(y, scaled_sign(w), rtol=0, atol=0)  # the forward pass is the same for every rule
    np.testing.assert_allclose(w.grad.numpy(), expected(rule, scale_1e9, w, g), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rule", "scale_1e9"), OPTIONS)
def test_factors_have_the_same_gradient(rule: str, scale_1e9: bool, shape: tuple[int, ...]) -> None:
    w, g = weights(shape)
    b, alpha = scaled_sign_factors(w, rule, scale_1e9=scale_1e9)
    assert torch.equal(b, sign(w))
    (b * alpha.view(-1, *[1] * (len(shape) - 1))).backward(g)
    np.testing.assert_allclose(w.grad.numpy(), expected(rule, scale_1e9, w, g), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rule", GRADIENT_RULES)
def test_factors_inside_a_convolution(rule: str) -> None:
    w, _ = weights((4, 3, 3, 3))
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64).sign()
    nn.functional.conv2d(x, scaled_sign(w, rule)).square().sum().backward()
    whole, w.grad = w.grad, None
    b, alpha = scaled_sign_factors(w, rule)
    (nn.functional.conv2d(x, b) * alpha[:, None, None]).square().sum().backward()
    torch.testing.assert_close(w.grad, whole, rtol=1e-11, atol=1e-12)


def test_paper_factors_of_an_all_zero_filter_have_no_gradient() -> None:
    w = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    b, alpha = scaled_sign_factors(w, "paper")
    (b * alpha[:, None]).sum().backward()
    assert torch.equal(w.grad, torch.zeros_like(w))


def test_terms_sum_to_the_gradient() -> None:
    w, g = weights((3, 7))
    through_alpha, through_sign = scaled_sign_gradient(w.detach(), g)
    np.testing.assert_allclose((through_alpha + through_sign).numpy(), expected("exact", False, w, g), rtol=1e-12)
    # A rule without the path through alpha has nothing in the first term.
    assert not scaled_sign_gradient(w.detach(), g, "ste")[0].any()


# torch.compile itself makes an instance of the autograd function's base class.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("rule", GRADIENT_RULES)
def test_compiles_and_exports(rule: str) -> None:
    def both(w: Tensor) -> Tensor:
        b, alpha = scaled_sign_factors(w, rule)
        return scaled_sign(w, rule) + b * alpha.view(-1, 1, 1, 1)

    w, g = weights((4, 3, 3, 3), torch.float32)
    torch.compile(both, backend="aot_eager", fullgraph=True)(w).backward(g)
    compiled, w.grad = w.grad, None
    both(w).backward(g)
    torch.testing.assert_close(compiled, w.grad)

    class Both(nn.Module):
        def forward(self, w: Tensor) -> Tensor:
            return both(w)

    exported = torch.export.export(Both(), (w.detach(),)).module()
    torch.testing.assert_close(exported(w.detach()), both(w.detach()), rtol=0, atol=0)


def test_errors_name_the_remedy() -> None:
    w, g = weights((3, 7))
    with pytest.raises(InputError, match="rule='straight', but it must be one of exact, ste, paper, xnor-net-pytorch"):
        scaled_sign(w, "straight")
    with pytest.raises(InputError, match="scale_1e9=True with rule='exact'"):
        scaled_sign(w, scale_1e9=True)
    with pytest.raises(InputError, match="1 - 1/C_in makes every gradient 0"):
        scaled_sign_factors(torch.ones(4, 1, 3, 3), "xnor-net-pytorch")
    with pytest.raises(InputError, match="at least two dimensions"):
        scaled_sign(torch.ones(4))
    with pytest.raises(InputError, match="the shapes must be equal"):
        scaled_sign_gradient(w, g[:2])
    with pytest.raises(InputError, match="ReLU has no tensor `weight`"):
        compare_gradient_rules(nn.ReLU(), g)


def test_comparison() -> None:
    layer = nn.Conv2d(4, 3, 3, dtype=torch.float64)
    w, g = weights((3, 4, 3, 3))
    layer.weight = nn.Parameter(w.detach().clamp(-0.9, 0.9))
    w = layer.weight.detach()
    comparison = compare_gradient_rules(layer, g)
    exact = formula("exact", w.numpy(), g.numpy())
    for row in comparison.rules[:4]:
        other = formula(row.rule, w.numpy(), g.numpy())
        norms = np.linalg.norm(other), np.linalg.norm(exact)
        assert row.cosine == pytest.approx((other * exact).sum() / (norms[0] * norms[1]), rel=1e-12)
        assert row.norm_ratio == pytest.approx(norms[0] / norms[1], rel=1e-12)
        assert row.max_difference == pytest.approx(np.abs(other - exact).max(), rel=1e-12, abs=1e-14)
        assert row.alpha_share + row.sign_share == pytest.approx(1)
    # Inside (-1, 1) the reference differs from exact by its factor only: n (1 - 1/C_in) = 36 * 3/4.
    assert comparison["xnor-net-pytorch"].norm_ratio == pytest.approx(27)
    assert comparison["xnor-net-pytorch"].cosine == pytest.approx(1)
    assert comparison["ste"].alpha_share == 0
    centered = exact - exact.mean(1, keepdims=True)
    assert comparison["exact-through-centering"].max_difference == pytest.approx(np.abs(centered - exact).max())


def test_comparison_prints_a_table() -> None:
    w, g = weights((3, 7))
    lines = str(compare_gradient_rules(w.detach(), g)).splitlines()
    assert lines[0] == "gradient rules for a weight of shape (3, 7), against exact"
    assert [line.split()[0] for line in lines[2:]] == [*GRADIENT_RULES, "exact-through-centering"]
    assert len({len(line) for line in lines[1:]}) == 1  # columns line up


def test_comparison_leaves_out_what_is_zero_for_one_input_channel() -> None:
    w = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(2))
    comparison = compare_gradient_rules(w, torch.ones_like(w))
    assert [row.rule for row in comparison.rules] == ["exact", "ste", "paper"]
    with pytest.raises(KeyError):
        comparison["xnor-net-pytorch"]
