"""Looks in the first batches of a stage whether the signs of each layer have two values at all."""

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn

from xnorkit.nn.dead_signs import nonnegative_inputs
from xnorkit.ops import ActivationBinarizer, SteHeavisideBinarizer
from xnorkit.train._lightning import pl
from xnorkit.train.stages import stage_at

__all__ = ["SignShare", "sign_processes"]

BATCHES = 8
DEAD = 0.001  # share of the rarer value up to which a layer's signs count as one value
SHOWN = 4
REMEDIES = (
    "put a BatchNorm in front of the layer, give it 0 and 1 (SteHeavisideBinarizer) or a learned shift "
    "(InputBiasBinarizer)"
)


def sign_processes(model: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Module]]:
    """Yield (dotted name, layer, what binarizes its inputs) of every layer whose inputs have two values."""
    for name, layer in model.named_modules():
        process: Any = getattr(layer, "activation_pre_process", None)
        process = getattr(process, "binarizer", process)  # the signs before dropout made some 0
        two_values = isinstance(process, ActivationBinarizer) and process.bit_reason is None
        if two_values or isinstance(process, SteHeavisideBinarizer):
            yield name, layer, process


class SignShare(pl.Callback):
    """Prints one line, on standard error, if layers binarize to one value alone in the first batches of a stage.

    The share of +1 (of 1, for 0/1 activations) is counted over the first 8 batches; above 99.9 % and below 0.1 % the
    layer answers the same to every input, and nothing is learned through it. Nothing is changed, no random number is
    drawn.
    """

    def __init__(self) -> None:
        self._counts: dict[str, tuple[Tensor | int, int]] = {}
        self._handles: list[Any] = []
        self._batches = 0

    @property
    def shares(self) -> dict[str, float]:
        """The share of +1 of each layer in the batches that were looked at."""
        return {name: int(ones) / seen for name, (ones, seen) in self._counts.items()}

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Begin to look, in the first epoch of a stage."""
        if stage_at(pl_module.stages, trainer.current_epoch)[1] != trainer.current_epoch:
            return
        self._counts, self._batches = {}, 0
        self._handles = [
            process.register_forward_hook(partial(self._count, name))
            for name, _, process in sign_processes(pl_module.model)
        ]

    def _count(self, name: str, _module: nn.Module, _args: Any, y: Tensor) -> None:
        ones, seen = self._counts.get(name, (0, 0))
        self._counts[name] = (ones + (y > 0).sum(), seen + y.numel())

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        """Stop looking after enough batches, and report."""
        self._batches += 1
        if self._handles and self._batches >= min(BATCHES, trainer.num_training_batches):
            self._stop()
            dead = {name: share for name, share in self.shares.items() if not DEAD <= share <= 1 - DEAD}
            if dead and trainer.is_global_zero:
                print(_line(dead, nonnegative_inputs(pl_module.model), self._batches), file=sys.stderr, flush=True)

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        """Stop looking."""
        self._stop()

    def _stop(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []


def _line(dead: Mapping[str, float], reasons: Mapping[str, str], batches: int) -> str:
    """Return the report: layers, shares, reasons, remedies."""
    named = [
        f"{name} ({share:.1%} are +1: {reasons.get(name, 'its inputs have one sign')})"
        for name, share in list(dead.items())[:SHOWN]
    ]
    named += [f"and {len(dead) - SHOWN} more"] if len(dead) > SHOWN else []
    return (
        f"warning: in {batches} batches, signs of one value alone, which teach nothing: {', '.join(named)}; {REMEDIES}"
    )
