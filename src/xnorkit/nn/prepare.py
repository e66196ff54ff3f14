"""Makes a float model binary, layer by layer."""

import inspect
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from torch import Tensor, nn

from xnorkit.errors import BinarizationWarning, InputError
from xnorkit.nn._fast_path import check_attention, close_fast_paths_
from xnorkit.nn._float_weights import computes_weight, float_weights, why_float
from xnorkit.nn._latent import LatentWeight
from xnorkit.nn._names import choose, named_layers
from xnorkit.nn.bconfig import BConfig
from xnorkit.nn.conv import BinaryConv1d, BinaryConv2d, BinaryConv3d
from xnorkit.nn.conv_transpose import BinaryConvTranspose2d
from xnorkit.nn.dead_signs import POSITIVE_REMEDY, REMEDIES, DeadSign, dead_among, nonnegative_inputs
from xnorkit.nn.linear import BinaryLinear
from xnorkit.ops import SteHeavisideBinarizer

__all__ = ["convert", "prepare_binary_model"]

ModulesMapping = Mapping[type[nn.Module], type[nn.Module]]

MODULES_MAPPING: ModulesMapping = {
    layer.FLOAT_MODULE: layer
    for layer in (BinaryLinear, BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d)
}
SHOWN = 24  # layers in a warning: all of a ResNet-18
HOOKS = (
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def prepare_binary_model(
    model: nn.Module,
    bconfig: BConfig,
    modules_mapping: ModulesMapping | None = None,
    custom_config_layers_name: Mapping[str, BConfig] | None = None,
    ignore_layers_name: Iterable[str] | None = None,
    *,
    activations: Literal["given", "auto"] = "given",
    example: Tensor | tuple[Any, ...] | None = None,
) -> nn.Module:
    """Swap the layers of `model` for binary ones, in place, and return it.

    Linear, Conv1d, Conv2d, Conv3d and ConvTranspose2d become BinaryLinear, BinaryConv1d, …. Subclasses are not swapped,
    because code around a subclass may rely on it. The parameters stay the same objects, so existing optimizers, shared
    weights and hooks keep working. A layer that the model uses under several names is swapped under all of them.
    Layers that are already binary are rebuilt with `bconfig`; they keep learned scales and shifts if the class of the
    process stays the same. If `model` itself is such a layer, it cannot be swapped in place: use the returned one.

    In the arguments below, a layer's name is its dotted name, or the name of a module for all layers in it;
    `$regex$`, searched in the dotted names; or `_first_` or `_last_`, in the order of `named_modules()`. Each name of a
    layer with several names selects it. A model may define its own names for layers: `layer_aliases`, a mapping from
    such a name to that of a layer or module.

    Args:
        model: any module; it is changed in place.
        bconfig: how to binarize.
        modules_mapping: which class becomes which, instead of the classes above; the new class needs a class method
            `from_module(module, bconfig)`.
        custom_config_layers_name: another BConfig for some layers; `BConfig()` keeps a layer float. If several
            entries name a layer, the last one applies.
        ignore_layers_name: layers to leave unchanged.
        activations: "auto" gives 0 and 1 (`SteHeavisideBinarizer`) to layers whose signs would be dead because they
            read the output of a ReLU; see `find_dead_signs`. In any case, a learned shift (`InputBiasBinarizer`) starts
            slightly below 0 there, so that a 0 becomes -1.
        example: an input (N, ...), for models whose forward cannot be traced; see `find_dead_signs`.

    Raises:
        InputError: a model that is not a module or has no such layers, a name that no layer has (with near matches), a
            value that is not a BConfig, a string where a list is required, or a layer inside a `MultiheadAttention`.

    Warns:
        BinarizationWarning: dead signs; modules that multiply by their own weights and stay float, such as an
            LSTM, an attention or a convolution under weight_norm, unless `ignore_layers_name` names them.

    Examples:
        >>> bconfig = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer.with_args(gradient="ste"))
        >>> model = prepare_binary_model(resnet18(), bconfig, ignore_layers_name=["_first_", "_last_", "$downsample$"])

    Source: Bulat's binary-networks-pytorch. Differences: `_first_` and `_last_` are the right way round, unknown names
    are errors, every alias of a shared layer is swapped, learned scales survive a second call, and containers can be
    named.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"prepare_binary_model: model is {type(model).__name__}, but it must be a torch.nn.Module.")
    custom = dict(custom_config_layers_name or {})
    _check_arguments(bconfig, custom, ignore_layers_name, activations)
    mapping = _with_targets(MODULES_MAPPING if modules_mapping is None else modules_mapping)
    floats = dict(float_weights(model, {*mapping, *MODULES_MAPPING}))
    layers = {
        name: layer for name, layer in _layers(model, mapping) if type(layer) in mapping and not computes_weight(layer)
    }
    if not layers:
        kinds = ", ".join(kind.__name__ for kind in mapping)
        others = "".join(f" '{name}': {why}." for name, why in floats.items())
        raise InputError(
            f"prepare_binary_model: {type(model).__name__} has no layer to swap, but it must have at least one of "
            f"exactly the classes {kinds}. Pass modules_mapping for others.{others}"
        )
    names, aliases = list(layers), getattr(model, "layer_aliases", {})
    configs = {id(layer): bconfig for layer in layers.values()}
    for pattern, config in custom.items():
        named = choose(aliases.get(pattern, pattern), names, "custom_config_layers_name")
        configs |= {id(layers[name]): config for name in named}
    for pattern in (aliases.get(pattern, pattern) for pattern in ignore_layers_name or ()):
        ends = pattern in ("_first_", "_last_")
        for name in choose(pattern, names if ends else [*names, *floats], "ignore_layers_name"):
            configs.pop(id(layers.get(name)), None)
            floats.pop(name, None)
    check_attention(model, configs.keys())
    model = _swap(model, layers.values(), configs, mapping)
    _warn("prepare_binary_model", _revive_(model, activations, example), floats)
    return model


def convert(
    model: nn.Module,
    modules_mapping: ModulesMapping | None = None,
    *,
    activations: Literal["given", "auto"] = "given",
    example: Tensor | tuple[Any, ...] | None = None,
) -> nn.Module:
    """Swap every layer of `model` that has its own `bconfig` for a binary one, in place, and return the model.

    This is the second way to binarize: in the constructor of a model, set `self.conv2.bconfig = BConfig(...)`, and call
    `convert` at the end. Layers without the attribute do not change. All else is as in `prepare_binary_model`.

    Raises:
        InputError: a model that is not a module, a `bconfig` that is not a BConfig, or one on a layer that cannot be
            swapped.

    Warns:
        BinarizationWarning: dead signs.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"convert: model is {type(model).__name__}, but it must be a torch.nn.Module.")
    _check_activations(activations)
    mapping = _with_targets(MODULES_MAPPING if modules_mapping is None else modules_mapping)
    configs = {}
    layers = [(name, layer) for name, layer in _layers(model, mapping) if hasattr(layer, "bconfig")]
    for name, layer in layers:
        config = layer.bconfig
        if isinstance(config, BConfig) and computes_weight(layer):
            raise InputError(f"convert: '{name}' has a bconfig, but {why_float(layer, mapping)}.")
        if type(layer) not in mapping or not isinstance(config, BConfig):
            raise InputError(
                f"convert: '{name}' is a {type(layer).__name__} with a bconfig of type {type(config).__name__}, but "
                f"it must be one of {', '.join(kind.__name__ for kind in mapping)} with a BConfig. Delete the "
                "attribute, or pass modules_mapping."
            )
        if getattr(layer, "_installed", None) is not config:
            configs[id(layer)] = config
    check_attention(model, configs.keys())
    model = _swap(model, (layer for _, layer in layers), configs, mapping)
    _warn("convert", _revive_(model, activations, example), {})
    return model


def _check_arguments(
    bconfig: BConfig, custom: Mapping[str, BConfig], ignored: Iterable[str] | None, activations: str
) -> None:
    for name, config in {"bconfig": bconfig, **custom}.items():
        if not isinstance(config, BConfig):
            raise InputError(
                f"prepare_binary_model: {name!r} is of type {type(config).__name__}, but it must be a BConfig. "
                "BConfig() keeps a layer float."
            )
    if isinstance(ignored, str):
        raise InputError(
            f"ignore_layers_name={ignored!r} is a string, but it must be a list of names. Pass [{ignored!r}]."
        )
    _check_activations(activations)


def _check_activations(activations: str) -> None:
    if activations not in ("given", "auto"):
        raise InputError(f"activations={activations!r}, but it must be 'given' or 'auto'.")


def _layers(model: nn.Module, mapping: ModulesMapping) -> Iterator[tuple[str, nn.Module]]:
    """Yield what may be swapped, what is already binary, and modules without children, under all their names."""
    return named_layers(
        model, lambda m: type(m) in mapping or isinstance(m, LatentWeight) or next(m.children(), None) is None
    )


def _with_targets(mapping: ModulesMapping) -> dict[type[nn.Module], type[nn.Module]]:
    """Return the mapping, extended so that layers that have already been swapped are swapped again."""
    for target in mapping.values():
        if not callable(getattr(target, "from_module", None)):
            raise InputError(
                f"modules_mapping: {getattr(target, '__name__', target)} has no class method from_module, but it must "
                "have from_module(module, bconfig) -> module."
            )
    return {**{target: target for target in mapping.values()}, **mapping}


def _swap(
    model: nn.Module, layers: Iterable[nn.Module], configs: Mapping[int, BConfig], mapping: ModulesMapping
) -> nn.Module:
    """Rebuild the layers whose id is in `configs`, replace all references to the old ones, and return the model."""
    swaps = {}
    for layer in layers:
        if id(layer) in configs and id(layer) not in swaps:
            swaps[id(layer)] = _binary(layer, mapping[type(layer)], configs[id(layer)])
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if id(child) in swaps:
                module._modules[name] = swaps[id(child)]
    if swaps:
        close_fast_paths_(model)
    return swaps.get(id(model), model)


def _revive_(model: nn.Module, activations: str, example: Tensor | tuple[Any, ...] | None) -> list[DeadSign]:
    """Make signs of never-negative inputs distinguish 0, by shifts below 0 or by 0/1; return those still dead."""
    reasons = nonnegative_inputs(model, example)
    for name in reasons:
        start = getattr(model.get_submodule(name).activation_pre_process, "start_below_zero_", None)
        if callable(start):
            start()
    dead = dead_among(model, reasons)
    if activations == "auto":
        for sign in dead:
            if sign.positive:
                continue
            layer = model.get_submodule(sign.name)
            assert isinstance(layer, LatentWeight)
            pre = SteHeavisideBinarizer.with_args(clip=getattr(layer.activation_pre_process, "clip", 1.0))
            layer._install(replace(layer.bconfig, activation_pre_process=pre), layer)
        return [sign for sign in dead if sign.positive]
    return dead


def _warn(caller: str, dead: Sequence[DeadSign], floats: Mapping[str, str]) -> None:
    """Warn about dead signs and weights that stay float, in one message."""
    lines = []
    if dead:
        named = [f"{sign.name} ({sign.reason})" for sign in dead[:SHOWN]]
        named += [f"and {len(dead) - SHOWN} more, which xnorkit.nn.find_dead_signs lists"] if len(dead) > SHOWN else []
        what = "1 binary layer reads" if len(dead) == 1 else f"{len(dead)} binary layers read"
        lines.append(
            f"{what} numbers that are never negative, so every sign is +1, whatever the input, and nothing is learned: "
            f"{', '.join(named)}. {_remedies(dead)}"
        )
    if floats:
        grouped: dict[str, list[str]] = {}
        for name, why in floats.items():
            grouped.setdefault(why, []).append(name)
        named = [f"{', '.join(names)} ({why})" for why, names in grouped.items()]
        lines.append(f"Weights stay float in {'; '.join(named)}. If that is intended, list them in ignore_layers_name.")
    if lines:
        warnings.warn(f"{caller}: {' '.join(lines)}", BinarizationWarning, stacklevel=3)


def _remedies(dead: Sequence[DeadSign]) -> str:
    """Return what to do about dead signs; numbers above 0, such as a sigmoid's, need a BatchNorm."""
    positive = [sign.name for sign in dead if sign.positive]
    others = f"Remedies: {REMEDIES}." if len(positive) < len(dead) else ""
    above = f"The numbers of {', '.join(positive[:SHOWN])} are above 0. The remedy there is {POSITIVE_REMEDY}."
    return " ".join(filter(None, (others, above if positive else "")))


def _binary(layer: nn.Module, target: Any, bconfig: BConfig) -> nn.Module:
    """Return the binary layer of class `target` for `layer`, with the hooks of both."""
    options = {"update": True} if "update" in inspect.signature(target.from_module).parameters else {}
    new: nn.Module = target.from_module(layer, bconfig, **options)
    for name in HOOKS:
        # The dictionary itself moves, so that the handle of a hook still removes it.
        hooks, own = layer.__dict__[name], new.__dict__[name]
        if hooks is not own:
            hooks.update(own)
            new.__dict__[name] = hooks
    new._is_full_backward_hook = layer._is_full_backward_hook
    return new
