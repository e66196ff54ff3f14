"""The base classes of binarizers with a schedule."""

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.ops._layer import positive

__all__ = ["Annealed", "ErrorDecay"]


class Annealed(nn.Module):
    """Mixin for a binarizer whose shape depends on the progress of training.

    The annealed values are buffers, so `state_dict` holds them and a resumed training continues with them.
    """

    def set_progress(self, fraction: float) -> None:
        """Set the annealed buffers to their values at `fraction` of training, which is 0 at its start and 1 at its end.

        Raises:
            InputError: for a fraction outside [0, 1].
        """
        if not 0 <= fraction <= 1:
            raise InputError(
                f"{type(self).__name__}.set_progress({fraction}) must get a fraction of training, from 0 to 1. Divide "
                "the epoch by the number of epochs."
            )
        self._anneal(fraction)

    def _anneal(self, fraction: float) -> None:
        """Set the buffers; `fraction` is in [0, 1]."""
        raise NotImplementedError


class ErrorDecay(Annealed):
    """Mixin for a binarizer with the gradient of k tanh(t x), which is wide at first and sharp at the end.

    Progress p sets t = t_min (t_max/t_min)^p and k = max(1/t, 1).

    Source: Qin et al., IR-Net: Forward and Backward Information Retention (CVPR 2020), with its values 0.1 and 10.
    """

    t: Tensor
    k: Tensor

    def __init__(self, t_min: float = 0.1, t_max: float = 10.0) -> None:
        super().__init__()
        self.t_min = positive(type(self).__name__, "t_min", t_min)
        self.t_max = positive(type(self).__name__, "t_max", t_max)
        self.register_buffer("t", torch.tensor(float(t_min)))
        self.register_buffer("k", torch.tensor(max(1 / t_min, 1.0)))

    def _anneal(self, fraction: float) -> None:
        t = self.t_min * (self.t_max / self.t_min) ** fraction
        self.t.fill_(t)
        self.k.fill_(max(1 / t, 1.0))

    def extra_repr(self) -> str:
        """Return the arguments, for print(model)."""
        return f"t_min={self.t_min}, t_max={self.t_max}"
