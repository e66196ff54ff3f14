"""The map K of XNOR-Net: the mean magnitude of the inputs under each position of the kernel."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["input_scale", "scale_groups"]

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def input_scale(  # noqa: PLR0917 - the order of torch.nn.functional.conv2d
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int] | str,
    dilation: Sequence[int],
    groups: int = 1,
) -> Tensor:
    """Return K (N, groups, H_out, W_out), the mean |x| under the kernel, for x (N, C, H, W) with or without N.

    K = A * k: A (N, groups, H, W) is the mean of |x| over the channels of a group, and k is the box filter with value
    1 / (KH KW); a padded position counts as 0. `kernel_size` has one entry per spatial dimension, 0 to 3; with
    none, as for a Linear, K (..., groups) is A. Autocast is off inside.
    Backward: dC/dx = sign(x) / (C/groups) times (dC/dK correlated back with k), with sign(0) = 0.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), section 3.2. The paper has one group; here each group has its own
    map, because it sees only its own channels.
    """
    dims = len(kernel_size)
    with _full_precision(x):
        a = x.abs().unflatten(-dims - 1, (groups, -1)).mean(-dims - 1)
        if not dims:
            return a
        box = a.new_full((groups, 1, *kernel_size), 1 / prod(kernel_size))
        return CONVOLUTIONS[dims](a, box, None, stride, padding, dilation, groups)


def scale_groups(y: Tensor, k: Tensor, dims: int) -> Tensor:
    """Return y times K, where each map scales the channels of its group.

    Args:
        y: (N, O, H, W), or without N; (..., O) for dims = 0.
        k: (N, groups, H, W), or without N like `y`; (..., groups) for dims = 0. O is a multiple of groups.
        dims: the number of spatial dimensions, which follow the channels.
    """
    channel, groups = -dims - 1, k.shape[-dims - 1]
    if groups == 1:
        return y * k
    return (y.unflatten(channel, (groups, -1)) * k.unsqueeze(channel)).flatten(channel - 1, channel)


def _full_precision(x: Tensor) -> AbstractContextManager[None]:
    device = x.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()
