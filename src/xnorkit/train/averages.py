"""Averages of the weights: the moving one (EMA), and the mean of the last epochs (SWA)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, update_bn

__all__ = ["FinalAverage", "MovingAverage"]


class _Average:
    """An average of a model's weights, which takes the model's place while that is evaluated.

    Not Lightning's WeightAveraging: it copies the network once, before training, and knows neither stages that change
    the network nor weights that are not to be averaged.
    """

    def __init__(self) -> None:
        self._aside: dict[str, Tensor] = {}

    def weights(self) -> Mapping[str, Tensor]:
        """Return the state to evaluate; empty where there is none yet."""
        raise NotImplementedError

    def enter(self, model: nn.Module) -> None:
        """Put the average into `model`, if there is one, its own state aside."""
        if average := self.weights():
            self._aside = {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(average)

    def leave(self, model: nn.Module) -> None:
        """Put the model's own state back."""
        if self._aside:
            model.load_state_dict(self._aside)
            self._aside = {}


class MovingAverage(_Average):
    """Keeps a(t) = d a(t - 1) + (1 - d) w(t) of everything in a model's state, with d = min(decay, (1 + t) / (10 + t)).

    Latent binary weights are averaged as they are, real numbers, and the signs are taken of the average: a weight that
    keeps changing its sign takes the one that it has had longer and further from 0. Statistics of BatchNorm are
    averaged alike, as they belong to the averaged weights. Values that are not floating-point numbers are
    copied; so are the weights in `copied`, those of Bop, whose magnitudes would shrink if their signs were averaged.

    Args:
        decay: d, 0 to 1.

    Source: Polyak averaging, in the exponential form of Tarvainen & Valpola, Mean teachers (NeurIPS 2017).
    """

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay, self.steps = decay, 0
        self.average: dict[str, Tensor] = {}

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

    def weights(self) -> Mapping[str, Tensor]:
        """Return the average."""
        return self.average

    def state(self) -> dict[str, int | dict[str, Tensor]]:
        """Return what a checkpoint keeps."""
        return {"steps": self.steps, "average": self.average}

    def restore(self, state: Mapping[str, int | dict[str, Tensor]]) -> None:
        """Take over what `state` returned."""
        steps, average = state["steps"], state["average"]
        assert isinstance(steps, int)
        assert isinstance(average, dict)
        self.steps, self.average = steps, average


class FinalAverage(_Average):
    """Keeps the mean of a model's parameters after each of several epochs, by PyTorch's `AveragedModel`.

    Latent binary weights are averaged as they are, real numbers, and the signs are taken of the mean. The weights in
    `copied` of `update`, those of Bop, are not averaged but taken from the last epoch, as their magnitudes would
    shrink. Buffers are those of the last epoch, but for the statistics of BatchNorm: `finish` recomputes them, for
    the averaged weights. From then on `ready` is true, and the mean is what is evaluated and kept for use.

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization (UAI 2018).
    """

    def __init__(self) -> None:
        super().__init__()
        self.ready = False
        self._mean: AveragedModel | None = None

    def restart(self) -> None:
        """Forget the epochs so far."""
        self.ready, self._mean = False, None

    @torch.no_grad()
    def update(self, model: nn.Module, copied: Iterable[str] = ()) -> None:
        """Take the weights of `model` after an epoch."""
        self.ready = False
        if self._mean is None:
            self._mean = AveragedModel(model)
        self._mean.to(next(model.parameters()).device).update_parameters(model)
        for name in copied:
            self._mean.module.get_parameter(name).copy_(model.get_parameter(name))

    def finish(self, images: Iterable[Tensor], over_processes: Callable[[Tensor], Tensor]) -> None:
        """Compute the statistics of BatchNorm for the mean.

        Args:
            images: batches (N, C, H, W) of training images, of this process.
            over_processes: returns the mean of a tensor over all processes.
        """
        assert self._mean is not None
        update_bn(images, self._mean)
        for module in self._mean.modules():
            if isinstance(module, _BatchNorm):
                for statistic in (module.running_mean, module.running_var):
                    if statistic is not None:
                        statistic.copy_(over_processes(statistic))
        self.ready = True

    def weights(self) -> Mapping[str, Tensor]:
        """Return the mean, if it is ready."""
        return self._mean.module.state_dict() if self.ready and self._mean is not None else {}

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: empty before the first of the epochs."""
        if self._mean is None:
            return {}
        mean = self._mean.module.state_dict()
        return {"average": mean, "epochs": int(self._mean.n_averaged), "ready": self.ready}

    def restore(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned; `model` is the network that it is of."""
        self.restart()
        if state:
            self._mean = AveragedModel(model)
            self._mean.module.load_state_dict(state["average"])
            self._mean.n_averaged.fill_(state["epochs"])
            self.ready = state["ready"]
