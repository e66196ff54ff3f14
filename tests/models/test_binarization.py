"""Binarizations by name, and dropout that moves after the sign."""

import copy
import pickle

import pytest
import torch
from torch import nn

from xnorkit.errors import InputError
from xnorkit.models import BINARIZATIONS, DroppedSigns, NormFirstConv, NormFirstLinear, binarize_
from xnorkit.models.binarization import has_signs
from xnorkit.nn import BinaryConv2d, BinaryLinear, project_
from xnorkit.ops import BasicInputBinarizer, InputBiasBinarizer


def network(dropout: float = 0.5) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        NormFirstConv(3, 8, 3, dropout=dropout, min_norm_weight=0.01),
        NormFirstLinear(8, 6, channels=8, dropout=dropout),
        NormFirstLinear(6, 4),
    )


def test_what_has_signs() -> None:
    assert {name for name in BINARIZATIONS if not has_signs(name)} == {"float", "bwn"}


@pytest.mark.parametrize("name", [name for name in BINARIZATIONS if has_signs(name)])
def test_dropout_moves_behind_the_signs(name: str) -> None:
    model = binarize_(network(), name, ["2.linear"])
    assert not any(isinstance(m, nn.Dropout) for m in model.modules())
    processes = [model[0].conv.activation_pre_process, model[1].linear.activation_pre_process]
    assert all(isinstance(p, DroppedSigns) and p.p == 0.5 for p in processes)
    assert isinstance(model[0].conv, BinaryConv2d)
    assert isinstance(model[1].linear, BinaryLinear)
    assert type(model[2].linear) is nn.Linear
    x = torch.randn(50, 3, 3, 3)
    assert set(processes[0](x).unique().tolist()) == {-2.0, 0.0, 2.0}
    model.eval()
    plain = binarize_(network(dropout=0.0), name, ["2.linear"]).eval()
    assert torch.equal(model(x), plain(x))


def test_float_activations_keep_their_dropout() -> None:
    for name in ("float", "bwn"):
        assert sum(isinstance(m, nn.Dropout) for m in binarize_(network(), name, ["2.linear"]).modules()) == 2


def test_dropped_signs_pass_the_gradient_of_what_is_kept() -> None:
    torch.manual_seed(1)
    process = DroppedSigns(BasicInputBinarizer(), 0.25)
    x = torch.randn(1000, requires_grad=True)
    y = process(x)
    y.sum().backward()
    kept = y.detach() != 0
    assert 650 < kept.sum() < 850
    assert torch.equal(y.detach(), kept * x.detach().sign() / 0.75)
    assert x.grad is not None
    assert torch.equal(x.grad, (kept & (x.detach().abs() < 1)) / 0.75)


def test_dropped_signs_are_bits_if_their_binarizer_is() -> None:
    assert DroppedSigns(BasicInputBinarizer(), 0.5).bit_reason is None
    assert DroppedSigns(InputBiasBinarizer(nn.Conv2d(2, 2, 1)), 0.5).bit_reason is None
    assert "not known to return signs" in str(DroppedSigns(nn.Tanh(), 0.5).bit_reason)


def test_a_model_with_dropped_signs_can_be_copied_and_pickled() -> None:
    model = binarize_(network(), "react", ["2.linear"]).eval()
    x = torch.randn(2, 3, 3, 3)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), model(x))


@pytest.mark.parametrize(("name", "least"), [("xnor", 0.01), ("bwn", -3.0), ("float", -3.0)])
def test_floor_under_the_norm_in_front_of_a_sign(name: str, least: float) -> None:
    model = binarize_(network(), name, ["2.linear"])
    for block in model:
        nn.init.constant_(block.bn.weight, -3.0)
    project_(model)
    assert model[0].bn.weight.unique().tolist() == pytest.approx([least])
    assert model[1].bn.weight.unique().tolist() == [-3.0]  # no floor asked for


def test_unknown_binarization() -> None:
    with pytest.raises(InputError, match=r"Sequential: binarization='birea', but it must be one of float.*mean bireal"):
        binarize_(network(), "birea", [])
