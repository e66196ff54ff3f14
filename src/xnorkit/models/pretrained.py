"""The trained models that ship, as torch modules: packed, for evaluation only."""

from collections.abc import Mapping
from typing import Any

from xnorkit import zoo
from xnorkit.errors import InputError
from xnorkit.export import PackedModule
from xnorkit.format import read

__all__ = ["PretrainedModule", "load_pretrained_module"]


class PretrainedModule(PackedModule):
    """A trained model that ships: maps images (N, C, H, W), uint8 pixels or normalised float32, to logits on the CPU.

    Its weights are bits. The latent weights that training needs do not ship, so it stays in evaluation mode.

    Attributes:
        card: how it was trained, and what it reached.

    Args:
        name: one of `xnorkit.zoo.list_pretrained()`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(read(zoo.path(name)))
        self.card = zoo.card(name)
        self.eval()

    def train(self, mode: bool = True) -> "PretrainedModule":
        """Return itself for `mode=False`; InputError otherwise."""
        if mode:
            raise InputError(
                f"train() of the trained model '{self.card.name}', which holds packed bits and no latent weights; "
                f"required: evaluation. To train it again, run {self.card.command(self.card.series)}."
            )
        super().train(False)
        return self

    def extra_repr(self) -> str:
        """Return name, accuracy and size, for print(module)."""
        card = self.card
        return f"'{card.name}', top-1 {card.top1:.2%} of {card.data} {card.split}, {super().extra_repr()}"


def load_pretrained_module(name: str, settled: Mapping[str, Any]) -> PretrainedModule:
    """Return the trained model of that name.

    Args:
        name: one of `xnorkit.zoo.list_pretrained()`.
        settled: options that a trained model fixes, with the requested values; None for those not requested.

    Raises:
        InputError: unknown name, or a requested option.
    """
    module = PretrainedModule(name)
    for option, value in settled.items():
        if value is not None:
            raise InputError(
                f"create_model('{name}', pretrained=True, {option}={value!r}); required: no {option}, because a "
                f"trained model has it fixed. Omit {option}."
            )
    return module
