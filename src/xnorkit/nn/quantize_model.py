"""Makes the first and the last layer of a model 8-bit."""

from collections.abc import Sequence
from difflib import get_close_matches

from torch import nn
from torch.nn.modules.conv import _ConvNd

from xnorkit.errors import InputError
from xnorkit.nn.integer import IntegerLayer, QuantConv2d, QuantLinear
from xnorkit.nn.quantizers import InputQuantizer, LearnedQuantizer, PixelQuantizer

__all__ = ["quantize_first_last_"]

TARGETS: dict[type[nn.Module], type[QuantConv2d] | type[QuantLinear]] = {nn.Conv2d: QuantConv2d, nn.Linear: QuantLinear}


def quantize_first_last_(
    model: nn.Module,
    first: bool | str = True,
    last: bool | str = True,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> tuple[str, ...]:
    """Make the first and the last layer of `model` 8-bit, in place, and return the names of these layers.

    The layer modules stay the same objects and only change their class, so parameters, hooks, aliases and the
    order of `model.parameters()` stay. The last layer gains one parameter, `input_quantizer.log2_scale`. Call this
    before you create the optimizer, and before you load a state dict of such a model. A layer that is already 8-bit
    does not change, including its learned scale.

    Args:
        model: a network whose first and last layer are exactly `torch.nn.Conv2d` or `torch.nn.Linear`.
        first: True for the first convolution or linear layer in the order of `model.modules()`, which reads normalised
            images; the dotted name of another one if that order is not the order of the forward pass; or False.
        last: the same for the last one, which reads activations.
        mean: mean of the images per channel, of pixels in [0, 1]; needed for the first layer.
        std: standard deviation, given like `mean`.

    Raises:
        InputError: an unknown name, a layer of another class, no mean or std, or anything that `QuantConv2d` and
            `QuantLinear` refuse; the model is then unchanged.

    Examples:
        >>> quantize_first_last_(create_model("lenet5"), mean=[0.1307], std=[0.3081])
        ('conv1', 'classifier')
    """
    layers: dict[str, nn.Module] = {name: m for name, m in model.named_modules() if isinstance(m, _ConvNd | nn.Linear)}
    chosen: dict[str, InputQuantizer] = {}
    for which, position, wanted in (("first", 0, first), ("last", -1, last)):
        if wanted is False:
            continue
        name = _find(which, position, wanted, layers, type(model).__name__)
        if name in chosen or isinstance(layers[name], IntegerLayer):
            continue
        if type(layers[name]) not in TARGETS:
            raise InputError(
                f"quantize_first_last_: {which} layer '{name}' is a {type(layers[name]).__name__}, but it must be "
                f"exactly Conv2d or Linear. Pass {which}=False to leave it, or {which}='NAME' for another layer."
            )
        chosen[name] = _pixels(mean, std) if which == "first" else LearnedQuantizer()
    for name, quantizer in chosen.items():
        TARGETS[type(layers[name])].check_module(layers[name], quantizer)
    for name, quantizer in chosen.items():
        TARGETS[type(layers[name])].convert_module_(layers[name], quantizer)
    return tuple(chosen)


def _find(which: str, position: int, wanted: bool | str, layers: dict[str, nn.Module], model: str) -> str:
    if not layers:
        raise InputError(
            f"quantize_first_last_: {model} has no convolution or linear layer, but it must have at least one."
        )
    if wanted is True:
        return list(layers)[position]
    if wanted not in layers:
        near = get_close_matches(str(wanted), layers, n=3) or list(layers)[:3]
        raise InputError(
            f"quantize_first_last_: {which}={wanted!r}, but it must be True, False or the name of a convolution or "
            f"linear layer, such as {', '.join(map(repr, near))}."
        )
    return str(wanted)


def _pixels(mean: Sequence[float] | None, std: Sequence[float] | None) -> PixelQuantizer:
    if mean is None or std is None:
        raise InputError(
            f"quantize_first_last_: mean={mean}, std={std}, but both must have one number per channel, as used to "
            "normalise the images: the first layer reads their pixels. Pass the data's mean and std, or first=False."
        )
    return PixelQuantizer(mean, std)
