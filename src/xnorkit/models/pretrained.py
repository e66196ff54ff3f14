"""The trained models that ship with the package, as packed torch modules for evaluation only."""

from collections.abc import Mapping
from typing import Any

from xnorkit import zoo
from xnorkit.errors import InputError
from xnorkit.export import PackedModule
from xnorkit.format import read

__all__ = ["PretrainedModule", "load_pretrained_module"]


class PretrainedModule(PackedModule):
    """A trained model: maps images (N, C, H, W), uint8 pixels or normalised float32, to logits on the CPU.

    Its weights are bits. The package omits the latent weights that training needs, so it stays in evaluation mode.

    Attributes:
        card: a description of its training and its accuracy.

    Args:
        name: one of `xnorkit.zoo.list_pretrained()`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(read(zoo.path(name)))
        self.card = zoo.card(name)
        self.eval()

    def train(self, mode: bool = True) -> "PretrainedModule":
        """Return the module for `mode=False`; `mode=True` is an InputError."""
        if mode:
            raise InputError(
                f"'{self.card.name}' can only evaluate, but train() was called: it holds packed bits and no latent "
                f"weights. To train the network again, run {self.card.command(self.card.series)}."
            )
        super().train(False)
        return self

    def extra_repr(self) -> str:
        """Return the name, accuracy and size, for print(module)."""
        card = self.card
        return f"'{card.name}', top-1 {card.top1:.2%} of {card.data} {card.split}, {super().extra_repr()}"


def load_pretrained_module(name: str, settled: Mapping[str, Any]) -> PretrainedModule:
    """Return the trained model `name`.

    Args:
        name: one of `xnorkit.zoo.list_pretrained()`.
        settled: the options that a trained model fixes, with their requested values, or None if not requested.

    Raises:
        InputError: the name is unknown, or an option is requested.
    """
    module = PretrainedModule(name)
    for option, value in settled.items():
        if value is not None:
            raise InputError(
                f"create_model('{name}', pretrained=True) takes no {option}, because the trained model fixes it, but "
                f"{option}={value!r} was passed. Omit {option}."
            )
    return module
