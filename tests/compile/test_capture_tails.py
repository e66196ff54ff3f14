"""Activations are proved as modules and as functions; a sign where one of them becomes flat is refused."""

import pytest
import torch
import torch.nn.functional as F
from captured import SHAPE, STE, Forward, Net, proved
from torch import Tensor, nn

from xnorkit.compile.pointwise import ACTIVATIONS
from xnorkit.errors import ExportError
from xnorkit.export import pack
from xnorkit.nn import BinaryConv2d


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=lambda kind: kind.__name__)
def test_every_activation_is_proved_as_a_module_and_as_a_function(kind: type[nn.Module]) -> None:
    class Functional(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return getattr(F, ACTIVATIONS[kind])(x)

    for activation in (kind(), Functional()):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 3), activation, nn.Flatten(), nn.Linear(288, 4)).eval()
        packed = proved(model)
        assert ACTIVATIONS[kind] in [node.attributes.get("function") for node in packed.graph.nodes]


@pytest.mark.parametrize("between", [nn.Identity(), nn.MaxPool2d(2), nn.Sequential(nn.MaxPool2d(2), nn.LeakyReLU(0.5))])
@pytest.mark.parametrize("activation", [nn.GELU(), nn.SiLU(), nn.Mish()], ids=lambda module: type(module).__name__)
def test_a_sign_in_the_tail_of_an_activation_is_refused(activation: nn.Module, between: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), activation, between, BinaryConv2d(8, 4, 2, bconfig=STE))
    with pytest.raises(ExportError, match=rf"turns where '1' \({type(activation).__name__}\) becomes flat"):
        pack(model, SHAPE)
    model[2] = nn.Sequential(between, nn.BatchNorm2d(8))
    model[2][1].running_mean.fill_(0.25)
    proved(model.eval())


TAILS: dict[str, Forward] = {
    "a new BatchNorm": lambda s, x: s.relu6bn(F.gelu(s.c(x))),
    "a pad": lambda s, x: F.pad(F.gelu(s.c(x)), (1, 1)),
    "a sum": lambda s, x: F.gelu(s.c(x)) + s.c(x).relu(),
    "nothing added": lambda s, x: F.gelu(s.c(x)) + 0,
    "a crop": lambda s, x: F.max_pool2d(F.gelu(s.c(x)), 2)[:, :, 1:],
    "a product": lambda s, x: F.silu(s.c(x)) * 3,
}


@pytest.mark.parametrize("name", TAILS)
def test_tails_are_followed(name: str) -> None:
    model = Net(lambda s, x: s.end(s.a(TAILS[name](s, x))))
    model.relu6bn = nn.BatchNorm2d(8).eval()
    with pytest.raises(ExportError, match="becomes flat"):
        pack(model, SHAPE)
