"""Binary layers and the projection of their latent weights."""

from xnorkit.nn.conv import BinaryConv2d
from xnorkit.nn.linear import BinaryLinear
from xnorkit.nn.projection import project_

__all__ = ["BinaryConv2d", "BinaryLinear", "project_"]
