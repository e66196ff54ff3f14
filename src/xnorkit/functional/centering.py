"""Mean-centring of weights over the input channels: as a differentiable function, and as a projection."""

import torch
from torch import Tensor

from xnorkit.errors import InputError

__all__ = ["center", "center_"]


def center(w: Tensor) -> Tensor:
    """Return V = W - mean of W over dimension 1, the input channels: (O, C_in, ...) -> (O, C_in, ...).

    At each filter and kernel position the C_in weights get mean 0. Backward: dC/dW = G - mean of G over dimension 1,
    with G = dC/dV, because dV_c/dW_d = 1(c = d) - 1/C_in. The factor 1 - 1/C_in of XNOR-Net-PyTorch is only the
    diagonal of that matrix.

    Raises:
        InputError: if C_in = 1, because every weight would become 0.

    Source: jiecaoyu/XNOR-Net-PyTorch centres the master weights (see `center_`) and multiplies their gradient by
    1 - 1/C_in; this function uses the whole derivative.
    """
    _check(w)
    return w - w.mean(1, keepdim=True)


@torch.no_grad()
def center_(w: Tensor) -> Tensor:
    """Subtract from W its mean over dimension 1 in place, without gradient, and return W.

    This is a projection: centring twice equals centring once. Applied to the master weights before every forward pass,
    it undoes the part of the last update that moved the C_in weights of a position equally. Under SGD, even with
    momentum and weight decay, the weights then follow the same path as with `center` inside the graph, because every
    step is linear in the gradient. The two differ under Adam, which divides by a running norm of the gradient, and
    with a clamp after the centring.

    Raises:
        InputError: if C_in = 1, because every weight would become 0.
    """
    _check(w)
    return w.sub_(w.mean(1, keepdim=True))


def _check(w: Tensor) -> None:
    if w.dim() < 2 or w.shape[1] == 1:
        raise InputError(
            f"w has shape {tuple(w.shape)}, but it must be (O, C_in, ...) with C_in of at least 2, because a single "
            "weight minus its own mean is 0. Leave such a layer (depthwise, or on one channel) uncentred."
        )
