"""Closes the ways in which PyTorch's attention modules bypass a layer's forward, if the layer is binary."""

from collections.abc import Collection

from torch import nn

from xnorkit.errors import InputError

__all__ = ["check_attention", "close_fast_paths_"]


def close_fast_paths_(model: nn.Module) -> None:
    """Make every `torch.nn.TransformerEncoderLayer` of `model` call its layers in evaluation too, in place.

    In eval() without gradients, such a layer passes the weights of linear1 and linear2 to one fused operation, whose
    answers would be those of the float weights. Two attributes of PyTorch control this:
    `activation_relu_or_gelu` of the layer, which is 0 for an activation that the operation does not support, and
    `use_nested_tensor` of the encoder, which packs padded inputs for it. Copies and pickles keep both.
    """
    for module in model.modules():
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = 0
        elif isinstance(module, nn.TransformerEncoder):
            module.use_nested_tensor = False


def check_attention(model: nn.Module, swapped: Collection[int]) -> None:
    """Raise InputError if a module whose id is in `swapped` is inside a `torch.nn.MultiheadAttention`."""
    for name, module in model.named_modules():
        if isinstance(module, nn.MultiheadAttention):
            for child_name, child in module.named_modules(prefix=name):
                if id(child) in swapped:
                    raise InputError(
                        f"'{child_name}' is part of a MultiheadAttention, which reads its weight and never calls it, "
                        "but a binary layer must be called: here it would count as float. Pass ignore_layers_name="
                        f"['{child_name}'], or use an attention module of your own that calls its layers."
                    )
