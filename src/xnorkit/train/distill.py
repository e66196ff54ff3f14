"""Distillation: losses that pull a network towards a float teacher."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import InputError

__all__ = ["Distillation", "attention_loss", "attention_map", "soft_label_loss"]


def soft_label_loss(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """Return T^2 KL(softmax(teacher/T) || softmax(student/T)), averaged over the batch.

    Gradient with respect to the student's logits: T (softmax(student/T) - softmax(teacher/T)) / N; the factor T^2 keeps
    it of the same order at every T. No gradient flows to the teacher.

    Args:
        student: logits (N, classes).
        teacher: logits of the same shape.
        temperature: T, above 0.

    Raises:
        InputError: for unequal shapes or a temperature not above 0.

    Source: Hinton et al., Distilling the Knowledge in a Neural Network (2015), section 2.
    """
    if student.shape != teacher.shape:
        raise InputError(
            f"logits have shape {tuple(student.shape)} and the teacher's {tuple(teacher.shape)}, but both must have "
            "the same classes. Choose a teacher of the same data."
        )
    if not temperature > 0:
        raise InputError(f"temperature={temperature}, but it must be above 0.")
    log_p = F.log_softmax(student / temperature, dim=1)
    log_q = F.log_softmax(teacher.detach() / temperature, dim=1)
    return F.kl_div(log_p, log_q, reduction="batchmean", log_target=True) * temperature**2


def attention_map(a: Tensor) -> Tensor:
    """Return Q / ||Q||_2 (N, H*W), with Q = mean over the channels of A^2: (N, C, H, W) -> (N, H*W)."""
    return F.normalize(a.square().mean(1).flatten(1), dim=1)


def attention_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return ||Q_S/||Q_S|| - Q_T/||Q_T|| ||^2, averaged over the batch, with Q as in `attention_map`.

    Raises:
        InputError: unless both are (N, C, H, W) with equal N, H and W; the channels may differ.

    Source: Zagoruyko & Komodakis, Paying More Attention to Attention (ICLR 2017), eq. 2, with the squared norm, as in
    the authors' code; there also divided by H*W.
    """
    rank = 4
    if student.dim() != rank or teacher.dim() != rank or _positions(student) != _positions(teacher):
        raise InputError(
            f"attention transfer of {tuple(student.shape)} from {tuple(teacher.shape)}, but both must be (N, C, H, W) "
            "with equal N, H and W. Choose other attention_layers."
        )
    return (attention_map(student) - attention_map(teacher.detach())).square().sum(1).mean()


class Distillation:
    """The loss of a student with a teacher: (1 - weight) CE + weight * soft labels + attention/2 * sum over layers.

    No `nn.Module`: the teacher stays out of the student's parameters and checkpoints.

    Args:
        student, teacher: networks; the teacher is put into evaluation mode.
        weight: of the soft labels, 0 to 1.
        temperature: of the soft labels.
        attention: beta, the weight of attention transfer.
        layers: names of modules of the student and, as values, of the teacher, whose outputs are compared.
        bfloat16: the teacher's forward pass runs under autocast to bfloat16; the loss stays in float32.

    Raises:
        InputError: a layer that a network does not have.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        *,
        weight: float = 0.5,
        temperature: float = 4.0,
        attention: float = 0.0,
        layers: Mapping[str, str] | None = None,
        bfloat16: bool = False,
    ) -> None:
        self.student, self.teacher = student, teacher.eval().requires_grad_(False)
        self.weight, self.temperature, self.attention = weight, temperature, attention
        self.layers, self.bfloat16 = dict(layers or {}), bfloat16
        for network, names in ((student, self.layers.keys()), (teacher, self.layers.values())):
            known = dict(network.named_modules())
            for name in names:
                if name not in known:
                    raise InputError(
                        f"attention_layers: {type(network).__name__} has no module '{name}', but it must be one of "
                        f"{', '.join(filter(None, known))}."
                    )

    def __call__(self, images: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return (loss, the student's logits (N, classes)) of images (N, C, H, W) and labels (N,)."""
        self.teacher.to(images.device)
        logits, mine = _run(self.student, images, list(self.layers))
        low = torch.autocast(images.device.type, torch.bfloat16) if self.bfloat16 else nullcontext()
        with torch.no_grad(), low:
            target, theirs = _run(self.teacher, images, list(self.layers.values()))
        hard = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
        loss = (1 - self.weight) * hard + self.weight * soft_label_loss(logits, target.float(), self.temperature)
        for a, b in zip(mine, theirs, strict=True):
            loss = loss + self.attention / 2 * attention_loss(a, b.float())
        return loss, logits


def _run(network: nn.Module, images: Tensor, names: list[str]) -> tuple[Tensor, list[Tensor]]:
    """Return the output of `network` and those of its modules `names`."""
    seen: dict[str, Tensor] = {}
    handles = [network.get_submodule(name).register_forward_hook(_keep(seen, name)) for name in set(names)]
    try:
        logits: Tensor = network(images)
    finally:
        for handle in handles:
            handle.remove()
    return logits, [seen[name] for name in names]


def _keep(seen: dict[str, Tensor], name: str) -> Callable[..., None]:
    def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        seen[name] = output

    return hook


def _positions(a: Tensor) -> tuple[int, ...]:
    return (len(a), *a.shape[2:])
