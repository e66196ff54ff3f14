"""Sums over a split, against counting by hand."""

import math

import pytest
import torch

from xnorkit.train.metrics import Tally, ranks


def test_ranks_of_equal_logits_follow_the_class_number() -> None:
    logits = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    assert ranks(logits, torch.tensor([0, 1, 0])).tolist() == [0, 1, 2]
    assert (ranks(logits, logits.argmax(1)) == 0).all()


def test_batches_of_different_sizes() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(70, 10, generator=generator), torch.randint(0, 10, (70,), generator=generator)
    tally = Tally()
    for part, loss in ((slice(0, 64), 2.0), (slice(64, 70), 5.0)):
        tally.add(torch.tensor(loss), logits[part], labels[part])
    found = tally.figures()
    assert found.images == 70
    assert found.loss == pytest.approx((64 * 2 + 6 * 5) / 70, rel=1e-12)
    assert found.top1 == int((logits.argmax(1) == labels).sum()) / 70
    assert found.top5 == int((logits.topk(5).indices == labels[:, None]).any(1).sum()) / 70
    assert tally.figures(lambda sums: 2 * sums).images == 140
    tally.reset()
    assert math.isnan(tally.figures().top1)


def test_soft_labels_count_by_their_larger_share() -> None:
    tally = Tally()
    tally.add(torch.tensor(0.0), torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([[0.3, 0.7], [0.2, 0.8]]))
    assert tally.figures().top1 == 0.5
