"""VGG-small: sizes, and that a hardtanh in front of a sign changes nothing."""

import torch
from torch import nn

from xnorkit.models import VGGSmall


def test_sizes_of_the_layer_table() -> None:
    model, found = VGGSmall().eval(), []
    for module in model.features:
        if isinstance(module, nn.Hardtanh):
            module.register_forward_hook(lambda module, x, y: found.append(tuple(y.shape[1:])))
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    assert found == [(128, 32, 32), (128, 16, 16), (256, 16, 16), (256, 8, 8), (512, 8, 8), (512, 4, 4)]


def test_hardtanh_in_front_of_a_sign_changes_nothing() -> None:
    torch.manual_seed(0)
    model = VGGSmall().eval()
    x = torch.randn(1, 3, 32, 32)
    y = model(x)
    for index, module in enumerate(model.features[:-1]):
        if isinstance(module, nn.Hardtanh):
            model.features[index] = nn.Identity()
    assert torch.equal(model(x), y)
