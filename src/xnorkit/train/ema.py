"""The moving average of the weights."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

__all__ = ["MovingAverage"]


class MovingAverage:
    """Keeps a(t) = d a(t - 1) + (1 - d) w(t) of everything in a model's state, with d = min(decay, (1 + t) / (10 + t)).

    Latent binary weights are averaged as they are, real numbers, and the signs are taken of the average: a weight that
    keeps changing its sign takes the one that it has had longer and further from 0. Statistics of BatchNorm are
    averaged alike, as they belong to the averaged weights. What is no floating-point number is copied; so are the
    weights in `copied`, those of Bop, whose magnitudes would shrink if their signs were averaged.

    Args:
        decay: d, 0 to 1.

    Source: Polyak averaging, in the exponential form of Tarvainen & Valpola, Mean teachers (NeurIPS 2017).
    """

    def __init__(self, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.average: dict[str, Tensor] = {}
        self._aside: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, model: nn.Module, copied: Iterable[str] = ()) -> None:
        """Take the state of `model` after a step; what it did not have before begins with its present value."""
        self.steps += 1
        decay, copied = min(self.decay, (1 + self.steps) / (10 + self.steps)), set(copied)
        state = model.state_dict()
        self.average = {name: value for name, value in self.average.items() if name in state}
        for name, value in state.items():
            mine = self.average.get(name)
            if mine is None or mine.shape != value.shape or not value.is_floating_point() or name in copied:
                self.average[name] = value.detach().clone()
            else:
                self.average[name] = mine.to(value.device).lerp_(value, 1 - decay)

    def enter(self, model: nn.Module) -> None:
        """Put the average into `model`, its own state aside."""
        if self.average:
            self._aside = {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(self.average)

    def leave(self, model: nn.Module) -> None:
        """Put the model's own state back."""
        if self._aside:
            model.load_state_dict(self._aside)
            self._aside = {}

    def state(self) -> dict[str, int | dict[str, Tensor]]:
        """Return what a checkpoint keeps."""
        return {"steps": self.steps, "average": self.average}

    def restore(self, state: Mapping[str, int | dict[str, Tensor]]) -> None:
        """Take over what `state` returned."""
        steps, average = state["steps"], state["average"]
        assert isinstance(steps, int)
        assert isinstance(average, dict)
        self.steps, self.average = steps, average
