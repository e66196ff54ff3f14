"""CaseOptimizer: equal to its members on their own; groups, state and copies."""

import copy

import pytest
import torch
from torch import nn

from xnorkit.errors import InputError
from xnorkit.nn import BinaryConv2d, BinaryLinear
from xnorkit.optim import Bop, CaseOptimizer, WeightProjection, binary_layers, split_parameters


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(BinaryConv2d(2, 4, 3), nn.Flatten(), nn.BatchNorm1d(4), BinaryLinear(4, 6), nn.Linear(6, 2))


def gradients(model: nn.Module, seed: int) -> None:
    for index, p in enumerate(model.parameters()):
        p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(100 * seed + index))


def both(model: nn.Module) -> CaseOptimizer:
    binary, rest = split_parameters(model)
    return CaseOptimizer(Bop(binary, threshold=0.0, gamma=0.5), torch.optim.Adam(rest, lr=0.1))


def test_split() -> None:
    model = network()
    binary, rest = split_parameters(model)
    assert [id(p) for p in binary] == [id(model[0].weight), id(model[3].weight)]
    assert {id(p) for p in binary + rest} == {id(p) for p in model.parameters()}
    assert [name for name, _ in binary_layers(model)] == ["0", "3"]
    model[0].weight_pre_process = nn.Identity()
    assert [id(p) for p in split_parameters(model)[0]] == [id(model[3].weight)]
    assert split_parameters(nn.Linear(2, 2))[0] == []


def test_equals_its_members() -> None:
    model, twin = network(), network()
    case = both(model)
    binary, rest = split_parameters(twin)
    members = [Bop(binary, threshold=0.0, gamma=0.5), torch.optim.Adam(rest, lr=0.1)]
    schedules = [torch.optim.lr_scheduler.ExponentialLR(o, 0.5) for o in (case, *members)]
    for step in range(5):
        gradients(model, step)
        gradients(twin, step)
        for optimizer in (case, *members):
            optimizer.step()
        for schedule in schedules:
            schedule.step()
    assert [group["lr"] for group in case.param_groups] == [0.5 / 32, 0.1 / 32]
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("how", ["state_dict", "deepcopy"])
def test_goes_on_from_its_state(how: str) -> None:
    model = network()
    case = both(model)
    for step in range(3):
        gradients(model, step)
        case.step()
    if how == "deepcopy":
        twin, other = copy.deepcopy((model, case))
    else:
        twin = network()
        twin.load_state_dict(model.state_dict())
        other = both(twin)
        other.load_state_dict(copy.deepcopy(case.state_dict()))
    other.param_groups[1]["lr"] = case.param_groups[1]["lr"] = 0.01  # the members see the groups that were loaded
    for step in range(3, 6):
        for network_, optimizer in ((model, case), (twin, other)):
            gradients(network_, step)
            optimizer.step()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert a is not b
        assert torch.equal(a, b)


def test_closure_and_zero_grad() -> None:
    model = network()
    case = both(model)
    calls = []

    def closure() -> float:
        assert torch.is_grad_enabled()
        calls.append(1)
        gradients(model, 0)
        return 2.0

    assert case.step(closure) == 2.0
    assert calls == [1]
    case.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_refusals() -> None:
    p = nn.Parameter(torch.ones(1))
    with pytest.raises(InputError, match="1 parameters in more than one"):
        CaseOptimizer(torch.optim.SGD([p], lr=1.0), torch.optim.SGD([p], lr=1.0))
    with pytest.raises(InputError, match="0 optimizers"):
        CaseOptimizer()
    with pytest.raises(InputError, match="add_param_group"):
        CaseOptimizer(torch.optim.SGD([p], lr=1.0)).add_param_group({"params": [nn.Parameter(torch.ones(1))]})


def test_projection_as_a_hook() -> None:
    model = network()
    latent, rest = split_parameters(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=5.0)
    optimizer.register_step_post_hook(WeightProjection(latent, clip=0.5, center=True))
    expected = []
    gradients(model, 0)
    for w in latent:
        moved = (w - 5.0 * w.grad).detach()
        expected.append((moved - moved.mean(1, keepdim=True)).clamp(-0.5, 0.5))
    optimizer.step()
    for w, right in zip(latent, expected, strict=True):
        torch.testing.assert_close(w.detach(), right)
    assert max(float(p.detach().abs().max()) for p in rest) > 1


def test_projection_leaves_a_single_input_channel_uncentred() -> None:
    w = nn.Parameter(torch.tensor([[0.5], [2.0]]))
    WeightProjection([w], clip=None, center=True)()
    assert w.tolist() == [[0.5], [2.0]]
    with pytest.raises(InputError, match="clip=0"):
        WeightProjection([w], clip=0.0)
