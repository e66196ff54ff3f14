"""The training steps that are compared: one network, trained in five ways."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from xnorkit.bench.published_loops import binary_layers, with_bin_op, with_sign_functions
from xnorkit.errors import InputError
from xnorkit.models import create_model

__all__ = ["CLASSES", "PATHS", "Step", "make_step"]

PATHS = ("float", "simulated", "packed", "binop", "bnn-style")
CLASSES = 10
VARIABLE = "XNORKIT_TRAIN"


class Step:
    """One step of Adam on one batch, all in channels-last memory; a call runs it to its end."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        model.to(images.device)
        self.model = model.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.images, self.labels = images.contiguous(memory_format=torch.channels_last), labels
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def loss(self) -> Tensor:
        """Return the loss, with its graph."""
        return nn.functional.cross_entropy(self.model(self.images), self.labels)

    def update(self) -> None:
        """Change the parameters by their gradients."""
        self.optimizer.step()

    def __call__(self) -> None:
        """Run the step."""
        self.optimizer.zero_grad()
        self.loss().backward()
        self.update()
        if self.images.is_cuda:
            torch.cuda.synchronize(self.images.device)


class _OnPath(Step):
    """The binary layers compute as the environment variable XNORKIT_TRAIN says."""

    def __init__(self, path: str, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        super().__init__(model, images, labels)
        self.path = path

    def loss(self) -> Tensor:
        with _environment(VARIABLE, self.path):
            return super().loss()


class _WithBinOp(Step):
    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        self.bin_op = with_bin_op(model)
        super().__init__(model, images, labels)

    def loss(self) -> Tensor:
        self.bin_op.binarization()
        return super().loss()

    def update(self) -> None:
        self.bin_op.restore()
        self.bin_op.updateBinaryGradWeight()
        super().update()


def make_step(path: str, name: str, binarization: str, images: Tensor, labels: Tensor) -> Step:
    """Return the step of model `name` on one of `PATHS`.

    Raises:
        InputError: this network cannot be trained on that path.
    """
    if path == "float":
        return Step(create_model(name, CLASSES, "float"), images, labels)
    model = create_model(name, CLASSES, binarization)
    if path == "packed":
        _check_packed(name, model, images.device)
    if path == "binop":
        return _WithBinOp(model, images, labels)
    if path == "bnn-style":
        with_sign_functions(model)
        return Step(model, images, labels)
    return _OnPath(path, model, images, labels)


def _check_packed(name: str, model: nn.Module, device: torch.device) -> None:
    if device.type != "cpu":
        raise InputError(f"path packed on device '{device}'; required: cpu, the one device where layers train on bits.")
    reasons = [layer.simulated_reason() for layer in binary_layers(model).values()]
    if all(reasons):
        reason = reasons[0] if reasons else "it has no binary layer"
        raise InputError(
            f"path packed of '{name}': no layer trains on bits ({reason}); required: at least one. Choose another "
            "binarization; docs/training-speed.md says which layers can."
        )


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
