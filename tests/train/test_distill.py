"""Distillation losses against their formulas in NumPy, and their gradients."""

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit.errors import InputError
from xnorkit.train import Distillation, attention_loss, soft_label_loss


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_soft_labels() -> None:
    rng = np.random.default_rng(0)
    s, t, temperature = rng.standard_normal((5, 7)), rng.standard_normal((5, 7)), 3.0
    p, q = softmax(s / temperature), softmax(t / temperature)
    student = torch.tensor(s, requires_grad=True)
    teacher = torch.tensor(t, requires_grad=True)
    loss = soft_label_loss(student, teacher, temperature)
    loss.backward()
    assert loss.item() == pytest.approx(temperature**2 * (q * np.log(q / p)).sum() / 5, rel=1e-12)
    np.testing.assert_allclose(student.grad.numpy(), temperature * (p - q) / 5, rtol=1e-10)
    assert teacher.grad is None


def test_attention() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((3, 4, 2, 5)), rng.standard_normal((3, 6, 2, 5))
    maps = [(x**2).mean(1).reshape(3, -1) for x in (a, b)]
    unit = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in maps]
    expected = ((unit[0] - unit[1]) ** 2).sum(1).mean()
    assert attention_loss(torch.tensor(a), torch.tensor(b)).item() == pytest.approx(expected, rel=1e-12)
    assert attention_loss(torch.tensor(a), torch.tensor(a) * 2).item() == pytest.approx(0, abs=1e-15)


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return tuple(  # type: ignore[return-value]
        nn.Sequential(nn.Conv2d(1, c, 3), nn.BatchNorm2d(c), nn.Flatten(), nn.Linear(4 * c, 3)) for c in (2, 5)
    )


def test_the_whole_loss() -> None:
    student, teacher = networks()
    teacher.train()
    images, labels = torch.randn(6, 1, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    distillation = Distillation(student, teacher, weight=0.25, temperature=2.0, attention=10.0, layers={"0": "1"})
    loss, logits = distillation(images, labels, 0.1)
    target = teacher(images)
    expected = (
        0.75 * nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
        + 0.25 * soft_label_loss(logits, target, 2.0)
        + 5 * attention_loss(student[0](images), teacher[1](teacher[0](images)))
    )
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(p.grad is not None for p in student.parameters())
    assert all(p.grad is None for p in teacher.parameters())
    assert not teacher.training
    assert not student[0]._forward_hooks


def test_wrong_values() -> None:
    student, teacher = networks()
    with pytest.raises(InputError, match="the same classes"):
        soft_label_loss(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(InputError, match="temperature=0"):
        soft_label_loss(torch.zeros(2, 3), torch.zeros(2, 3), 0)
    with pytest.raises(InputError, match="equal N, H and W"):
        attention_loss(torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 2, 2))
    with pytest.raises(InputError, match="has no module 'conv9'"):
        Distillation(student, teacher, layers={"0": "conv9"})


def test_a_teacher_in_bfloat16_leaves_the_student_in_float32() -> None:
    student, teacher = networks()
    student.eval()
    images, labels = torch.randn(6, 1, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    kept: list[torch.dtype] = []
    teacher[0].register_forward_hook(lambda _m, _i, output: kept.append(output.dtype))
    both = [
        Distillation(student, teacher, attention=1.0, layers={"0": "0"}, bfloat16=bfloat16)(images, labels)
        for bfloat16 in (False, True)
    ]
    (loss, logits), (half, same) = both
    with torch.autocast("cpu", torch.bfloat16):  # a whole training in mixed precision takes its teacher along
        Distillation(student, teacher)(images, labels)
    assert kept == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert torch.equal(logits, same)
    assert half.dtype == torch.float32
    assert loss.item() != half.item() == pytest.approx(loss.item(), rel=0.02)
