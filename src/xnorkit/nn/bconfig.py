"""BConfig: which modules binarize a layer's input and weight, and what follows its output."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields

from torch import Tensor, nn

from xnorkit.errors import InputError

__all__ = ["BConfig", "Identity", "make_process"]

LAYER_PARAMETERS = ("layer", "module")  # names of a first parameter that takes the layer, even if it has a default
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Identity(nn.Identity):
    """Returns a layer's output unchanged: the post-process that does nothing."""

    bit_reason: str | None = None

    def forward(self, layer_out: Tensor, layer_in: Tensor) -> Tensor:  # type: ignore[override]
        """Return `layer_out`."""
        return layer_out


@dataclass(frozen=True)
class BConfig:
    """Three factories, one for each place where a layer is changed; each defaults to the identity.

    A binary layer computes y = op(pre(x), weight(W)) + bias, then post(y, x), where pre, weight and post are what the
    factories return for it. `BConfig()` makes a float layer.

    Args:
        activation_pre_process: factory of a module x -> x~, such as `xnorkit.ops.BasicInputBinarizer`.
        activation_post_process: factory of a module (y, x) -> y, such as `xnorkit.ops.BasicScaleBinarizer`.
        weight_pre_process: factory of a module W -> W~ of the same shape (C_out, ...), such as
            `xnorkit.ops.XNORWeightBinarizer.with_args(center_weights=True)`.

    A factory is a class, the result of `with_args`, or any function that returns a new module. It is called once for
    each layer: with the layer if its first parameter has no default or is named `layer` or `module`, else without
    arguments.

    Raises:
        InputError: an instance, which all layers would share, or something that cannot be called.

    Examples:
        >>> BConfig(BasicInputBinarizer, BasicScaleBinarizer, XNORWeightBinarizer.with_args(compute_alpha=False))

    Source: the `BConfig` of Bulat's binary-networks-pytorch, after PyTorch's `QConfig`. It differs in that it is
    immutable, and that every factory, not only the post-process, may take the layer.
    """

    activation_pre_process: Callable[..., nn.Module] = nn.Identity
    activation_post_process: Callable[..., nn.Module] = Identity
    weight_pre_process: Callable[..., nn.Module] = nn.Identity

    def __post_init__(self) -> None:
        for field in fields(self):
            factory = getattr(self, field.name)
            if isinstance(factory, nn.Module) or not callable(factory):
                name = type(factory).__name__
                remedy = (
                    f"Pass the class, {name}, or {name}.with_args(...) for its arguments: each layer gets its own "
                    "module."
                )
                raise InputError(
                    f"BConfig: {field.name} received an instance of {name}, but it must be a class or a function that "
                    f"returns a new module. {remedy if isinstance(factory, nn.Module) else 'Pass a class.'}"
                )


def make_process(field: str, factory: Callable[..., nn.Module], layer: nn.Module) -> nn.Module:
    """Return a new module from a factory of a `BConfig`, with the mode, device and dtype of the layer.

    Args:
        field: name of the factory's field in `BConfig`.
        factory: called with the layer or without arguments, see `BConfig`. As a post-process, `torch.nn.Identity`,
            whose forward takes one argument, means `Identity`.
        layer: the layer that the module is for; it already has its `weight`.

    Raises:
        InputError: the factory does not take the layer, or returned something that is not a module.
    """
    if field == "activation_post_process" and factory is nn.Identity:
        factory = Identity
    try:
        process = factory(layer) if _wants_layer(factory) else factory()
    except TypeError as error:
        name = getattr(factory, "__name__", type(factory).__name__)
        raise InputError(
            f"BConfig: {field}={name} fails ({error}), but it must take the layer, or no arguments. If {name} is a "
            "binarizer, pass its arguments with with_args."
        ) from error
    if not isinstance(process, nn.Module):
        raise InputError(
            f"BConfig: {field} returned {type(process).__name__}, but it must return a torch.nn.Module. Put functions "
            "into a module's forward."
        )
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return process.to(weight.device, weight.dtype if weight.is_floating_point() else None).train(layer.training)


def _wants_layer(factory: Callable[..., nn.Module]) -> bool:
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except ValueError:  # a callable written in C, without a signature
        return False
    first = next((p for p in parameters if p.kind in POSITIONAL), None)
    return first is not None and (first.name in LAYER_PARAMETERS or first.default is inspect.Parameter.empty)
