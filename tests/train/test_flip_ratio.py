"""FlipRatio on weights whose flips are counted by hand."""

import torch

from xnorkit.train.metrics import FlipRatio


def test_flips_since_the_last_look() -> None:
    ratio = FlipRatio()
    a, b = torch.tensor([[1.0, -2.0], [0.0, 3.0]]), torch.tensor([-1.0, -1.0])
    ratio.update([a, b])
    assert torch.isnan(ratio.compute())
    ratio.update([torch.tensor([[1.0, 2.0], [-0.0, 3.0]]), b])
    assert ratio.compute().item() == torch.tensor(1 / 6).item()
    ratio.update([torch.tensor([[-1.0, 2.0], [-1.0, 3.0]]), -b])
    assert ratio.compute().item() == torch.tensor(5 / 12).item()
    ratio.reset()
    ratio.update([torch.tensor([[-1.0, 2.0], [-1.0, -3.0]]), -b])
    assert ratio.compute().item() == torch.tensor(1 / 6).item()


def test_other_weights_start_anew() -> None:
    ratio = FlipRatio()
    ratio.update([torch.ones(3)])
    ratio.update([-torch.ones(4)])
    ratio.update([-torch.ones(4)])
    assert ratio.compute() == 0
