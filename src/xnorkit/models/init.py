"""Initialisations that several models share."""

import torch
from torch import nn

__all__ = ["normal_by_fan_in_"]


@torch.no_grad()
def normal_by_fan_in_(model: nn.Module) -> None:
    """Draw the weights of each convolution and linear layer in place from N(0, (2 / c)^2), with c weights per filter.

    Biases do not change. Source: main.py of jiecaoyu/XNOR-Net-PyTorch for ImageNet.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=2 / module.weight[0].numel())
