"""BinOp against the reference's formulas, written element by element in NumPy, and its refusals."""

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from xnorkit.compat.binop import BinOp
from xnorkit.errors import InputError
from xnorkit.functional import GRADIENT_RULES
from xnorkit.nn import BinaryConv2d

Array = NDArray[np.float64]


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(7)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.Sequential(nn.Conv2d(6, 4, (1, 2), groups=2)),
        nn.Flatten(),
        nn.Linear(4 * 5 * 4, 8),
        nn.Linear(8, 3),
    ).to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)  # some weights lie beyond +-1, so that the clamp has work
        model[1].weight[0] = 0.5  # centred, a whole filter of zeros
        model[1].weight[1, :, 0, 0] = torch.tensor([5.0, -5.0, 1.0, -1.0])  # after the clamp, exactly +-1
        model[1].weight[1, :, 0, 1] = 2.0  # after the centring, exactly 0: sign(0) = 0
    return model


def loss_of(model: nn.Module) -> torch.Tensor:
    dtype = next(model.parameters()).dtype
    x = torch.randn(2, 1, 5, 5, generator=torch.Generator().manual_seed(3), dtype=dtype)
    return model(x).square().sum()


def centred_and_clamped(w: Array) -> Array:
    result = np.empty_like(w)
    for o in range(w.shape[0]):
        for position in np.ndindex(w.shape[2:]):
            column = [w[(o, c, *position)] for c in range(w.shape[1])]
            for c, value in enumerate(column):
                result[(o, c, *position)] = min(max(value - sum(column) / len(column), -1.0), 1.0)
    return result


def binarized(w: Array) -> Array:
    return np.stack([np.sign(f) * (np.abs(f).sum() / f.size) for f in w])


def reference_gradient(w: Array, g: Array, factor: float = 1.0) -> Array:
    """n (1 - 1/C_in) [ (1/n) s_i sum_j g_j s_j + alpha g_i 1(|W_i| <= 1) ], with sign(0) = 0."""
    result = np.zeros_like(w)
    for o, filter_ in enumerate(w):
        positions, n = list(np.ndindex(filter_.shape)), filter_.size
        total = sum(g[o][j] * np.sign(filter_[j]) for j in positions)
        alpha = sum(abs(filter_[j]) for j in positions) / n
        for i in positions:
            exact = np.sign(filter_[i]) * total / n + alpha * g[o][i] * (abs(filter_[i]) <= 1)
            result[o][i] = exact * n * (1 - 1 / w.shape[1]) * factor
    return result


def arrays(tensors: list[torch.Tensor]) -> list[Array]:
    return [t.detach().numpy().astype(np.float64).copy() for t in tensors]


@pytest.mark.parametrize(("layers", "positions"), [("conv+linear", ["1", "2.0", "4"]), ("conv", ["1"])])
def test_takes_all_but_the_first_and_the_last(layers: str, positions: list[str]) -> None:
    model = network()
    bin_op = BinOp(model, layers)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [names[id(w)].removesuffix(".weight") for w in bin_op.target_modules] == positions
    assert bin_op.bin_range == list(range(1, len(positions) + 1))
    assert bin_op.num_of_params == len(positions)


def test_default_is_the_imagenet_version() -> None:
    assert BinOp(network()).num_of_params == 3
    assert BinOp(nn.DataParallel(network())).num_of_params == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_step_is_the_reference(dtype: torch.dtype) -> None:
    model = network(dtype)
    untouched = {n: p.detach().clone() for n, p in model.named_parameters() if n[0] in "035" or n.endswith("bias")}
    bin_op = BinOp(model)
    masters = [centred_and_clamped(w) for w in arrays(bin_op.target_modules)]
    tolerance = {"rtol": 1e-6, "atol": 1e-6 if dtype == torch.float32 else 1e-12}

    bin_op.binarization()
    for held, saved, master in zip(arrays(bin_op.target_modules), arrays(bin_op.saved_params), masters, strict=True):
        np.testing.assert_allclose(saved, master, **tolerance)
        np.testing.assert_allclose(held, binarized(saved), **tolerance)
    assert not bin_op.target_modules[0][0].any()  # the filter of zeros stays zero
    assert not bin_op.target_modules[0][1, :, 0, 1].any()  # sign(0) = 0
    saved = arrays(bin_op.saved_params)
    loss_of(model).backward()
    upstream = arrays([w.grad for w in bin_op.target_modules])

    bin_op.restore()
    for held, master in zip(arrays(bin_op.target_modules), saved, strict=True):
        np.testing.assert_array_equal(held, master)

    bin_op.updateBinaryGradWeight()
    for w, g, master in zip(bin_op.target_modules, upstream, saved, strict=True):
        expected = reference_gradient(master, g)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(w.grad.numpy() / scale, expected / scale, rtol=1e-6, atol=1e-6)
        if dtype == torch.float64:
            np.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-11, atol=1e-12 * scale)
    for name, value in untouched.items():
        assert torch.equal(model.get_parameter(name), value)


def test_1e9_multiplies_the_reference() -> None:
    gradients = []
    for scale_1e9 in (False, True):
        model = network()
        bin_op = BinOp(model, scale_1e9=scale_1e9)
        bin_op.binarization()
        loss_of(model).backward()
        bin_op.restore()
        bin_op.updateBinaryGradWeight()
        gradients.append(torch.cat([w.grad.flatten() for w in bin_op.target_modules]))
    torch.testing.assert_close(gradients[1], gradients[0] * 1e9, rtol=1e-12, atol=0)


@pytest.mark.parametrize("rule", GRADIENT_RULES)
def test_rule_selects_the_gradient(rule: str) -> None:
    model = network()
    bin_op = BinOp(model, rule=rule)
    bin_op.binarization()
    loss_of(model).backward()
    bin_op.restore()
    master, g = arrays([bin_op.target_modules[2]])[0], arrays([bin_op.target_modules[2].grad])[0]
    bin_op.updateBinaryGradWeight()
    s, alpha = np.sign(master), np.abs(master).mean(1, keepdims=True)
    n, inside = master[0].size, np.abs(master) < 1
    total = (g * s).sum(1, keepdims=True)
    expected = {
        "exact": s * total / n + alpha * g * inside,
        "ste": alpha * g * inside,
        "paper": g * (1 / n + alpha * inside),
        "xnor-net-pytorch": reference_gradient(master, g),
    }[rule]
    np.testing.assert_allclose(bin_op.target_modules[2].grad.numpy(), expected, rtol=1e-11, atol=1e-13)


def test_shared_weight_is_taken_once() -> None:
    model = network()
    twin = nn.Conv2d(4, 6, 3, padding=1)
    twin.weight = model[1].weight
    model.insert(3, nn.Identity())
    model.add_module("twin", twin)
    model.add_module("last", nn.Linear(2, 2))
    assert sum(w is twin.weight for w in BinOp(model).target_modules) == 1


def test_frozen_weights_are_passed_over() -> None:
    model = network()
    model[1].weight.requires_grad_(False)
    bin_op = BinOp(model)
    bin_op.binarization()
    loss_of(model).backward()
    bin_op.restore()
    bin_op.updateBinaryGradWeight()
    assert model[1].weight.grad is None
    assert model[4].weight.grad is not None


def test_calls_in_a_wrong_order_lose_nothing() -> None:
    model = network()
    bin_op = BinOp(model)
    with pytest.raises(InputError, match=r"Call binarization\(\) first"):
        bin_op.restore()
    with pytest.raises(InputError, match=r"Call loss.backward\(\) first"):
        bin_op.updateBinaryGradWeight()
    bin_op.binarization()
    saved = copy.deepcopy(bin_op.saved_params)
    with pytest.raises(InputError, match=r"Call restore\(\) first"):
        bin_op.binarization()
    with pytest.raises(InputError, match=r"Call restore\(\) first"):
        bin_op.updateBinaryGradWeight()
    bin_op.restore()
    assert all(torch.equal(w, s) for w, s in zip(bin_op.target_modules, saved, strict=True))


def test_refusals_name_the_layer() -> None:
    depthwise = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 2, 1))
    with pytest.raises(InputError, match="layer '1' has a weight of shape \\(4, 1, 3, 3\\)"):
        BinOp(depthwise)
    binary = nn.Sequential(nn.Conv2d(3, 4, 1), BinaryConv2d(4, 4, 3), nn.Conv2d(4, 2, 1))
    with pytest.raises(InputError, match="layer '1' is a BinaryConv2d"):
        BinOp(binary)
    with pytest.raises(InputError, match="has 2 layers of kind conv\\+linear, but BinOp needs 3 or more"):
        BinOp(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    with pytest.raises(InputError, match="layers='linear'"):
        BinOp(network(), "linear")
    with pytest.raises(InputError, match="rule='exactly'"):
        BinOp(network(), rule="exactly")
    with pytest.raises(InputError, match="scale_1e9=True with rule='exact'"):
        BinOp(network(), rule="exact", scale_1e9=True)


def test_the_four_steps_are_the_binarization() -> None:
    def network() -> nn.Sequential:
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 2, 3))

    whole, stepped = network(), network()
    BinOp(whole).binarization()
    steps = BinOp(stepped)
    steps.meancenterConvParams()
    steps.clampConvParams()
    steps.save_params()
    steps.binarizeConvParams()
    assert torch.equal(whole[1].weight, stepped[1].weight)
    masters = steps.target_params
    steps.restore()
    assert torch.equal(masters[0], stepped[1].weight)
    assert isinstance(masters[0], nn.Parameter)
    assert masters[0] is not stepped[1].weight
