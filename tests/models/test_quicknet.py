"""QuickNet: counts of Larq Zoo, the blur, sizes."""

import pytest
import torch
from torch import nn

from xnorkit.errors import InputError
from xnorkit.models import QuickNet, count_weights


@pytest.mark.parametrize(
    ("name", "narrow", "zoo"),
    [("quicknet", 16, 13_234_088), ("quicknet-large", 16, 23_342_248), ("quicknet-small", 8, 12_655_688)],
)
def test_parameters_equal_those_of_larq_zoo(name: str, narrow: int, zoo: int) -> None:
    """The zoo counts the mean and variance of the one batch normalization without affine, which are buffers here."""
    assert count_weights(name).params + 2 * narrow == zoo


def test_blur_is_fixed_and_keeps_the_mean() -> None:
    model = QuickNet(num_classes=2, size="small")
    blurs = [m for m in model.transitions.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert [blur.groups for blur in blurs] == [32, 64, 256]
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    for blur in blurs:
        assert not blur.weight.requires_grad
        assert torch.equal(blur.weight, expected.expand(blur.groups, 1, 3, 3))


def test_sizes_of_the_layer_table() -> None:
    model, found = QuickNet(num_classes=2).eval(), []
    for section in model.sections:
        section.register_forward_hook(lambda module, x, y: found.append(tuple(y.shape[1:])))
    model(torch.zeros(1, 3, 64, 64))
    assert found == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]


def test_unknown_size() -> None:
    with pytest.raises(InputError, match="size='tiny', but it must be one of small, medium, large"):
        QuickNet(size="tiny")  # type: ignore[arg-type]
