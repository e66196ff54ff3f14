"""A float model made binary, layer by layer."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import nn

from xnorkit.errors import InputError
from xnorkit.nn._latent import LatentWeight
from xnorkit.nn._names import choose, named_layers
from xnorkit.nn.bconfig import BConfig
from xnorkit.nn.conv import BinaryConv1d, BinaryConv2d, BinaryConv3d
from xnorkit.nn.conv_transpose import BinaryConvTranspose2d
from xnorkit.nn.linear import BinaryLinear

__all__ = ["convert", "prepare_binary_model"]

ModulesMapping = Mapping[type[nn.Module], type[nn.Module]]

MODULES_MAPPING: ModulesMapping = {
    layer.FLOAT_MODULE: layer
    for layer in (BinaryLinear, BinaryConv1d, BinaryConv2d, BinaryConv3d, BinaryConvTranspose2d)
}
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
) -> nn.Module:
    """Swap the layers of `model` for binary ones, in place, and return it.

    Linear, Conv1d, Conv2d, Conv3d and ConvTranspose2d become BinaryLinear, BinaryConv1d, …; only exactly these classes,
    as code around a subclass may rely on it. The parameters stay the same objects: an optimizer made before, shared
    weights and hooks go on working. A layer that the model uses under several names is swapped under all of them.
    Layers that are binary already are made anew with `bconfig`, and their learned scales and shifts stay where the
    class of the process stays. If `model` is itself such a layer, it cannot be swapped in place: use the returned one.

    A layer's name, in the arguments below, is its dotted name, or that of a module and then of all layers in it;
    `$regex$`, searched in the dotted names; `_first_` or `_last_`, by the order of `named_modules()`. A layer with
    several names is meant by each.

    Args:
        model: any module; it is changed.
        bconfig: how to binarize.
        modules_mapping: which class becomes which, in place of the classes above; the new class needs a class method
            `from_module(module, bconfig)`.
        custom_config_layers_name: another BConfig for some layers; `BConfig()` keeps a layer float. Where several
            entries name a layer, the last one holds.
        ignore_layers_name: layers to leave as they are.

    Raises:
        InputError: a model that is no module or has no such layers, a name that no layer has (with near matches), a
            value that is no BConfig, or a string where a list is required.

    Examples:
        >>> bconfig = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer.with_args(gradient="ste"))
        >>> model = prepare_binary_model(resnet18(), bconfig, ignore_layers_name=["_first_", "_last_", "$downsample$"])

    Source: Bulat's binary-networks-pytorch. Differs: `_first_` and `_last_` are the right way round, unknown names are
    errors, every alias of a shared layer is swapped, learned scales survive a second call, names of containers.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"prepare_binary_model: model is {type(model).__name__}; required: a torch.nn.Module.")
    custom = dict(custom_config_layers_name or {})
    _check_arguments(bconfig, custom, ignore_layers_name)
    mapping = _with_targets(MODULES_MAPPING if modules_mapping is None else modules_mapping)
    layers = {name: layer for name, layer in _layers(model, mapping) if type(layer) in mapping}
    if not layers:
        kinds = ", ".join(kind.__name__ for kind in mapping)
        raise InputError(
            f"prepare_binary_model: {type(model).__name__} has no layer to swap; required: at least one of exactly the "
            f"classes {kinds}. Pass modules_mapping for others."
        )
    names = list(layers)
    configs = {id(layer): bconfig for layer in layers.values()}
    for pattern, config in custom.items():
        configs |= {id(layers[name]): config for name in choose(pattern, names, "custom_config_layers_name")}
    for pattern in ignore_layers_name or ():
        for name in choose(pattern, names, "ignore_layers_name"):
            configs.pop(id(layers[name]), None)
    return _swap(model, layers.values(), configs, mapping)


def convert(model: nn.Module, modules_mapping: ModulesMapping | None = None) -> nn.Module:
    """Swap every layer of `model` that carries a `bconfig` of its own for a binary one, in place, and return it.

    The second way of use: in the constructor of a model, `self.conv2.bconfig = BConfig(...)`, and `convert` at the end.
    Layers without the attribute stay as they are. All else as in `prepare_binary_model`.

    Raises:
        InputError: a model that is no module, a `bconfig` that is no BConfig, or one on a layer of a class that cannot
            be swapped.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"convert: model is {type(model).__name__}; required: a torch.nn.Module.")
    mapping = _with_targets(MODULES_MAPPING if modules_mapping is None else modules_mapping)
    configs = {}
    layers = [(name, layer) for name, layer in _layers(model, mapping) if hasattr(layer, "bconfig")]
    for name, layer in layers:
        config = layer.bconfig
        if type(layer) not in mapping or not isinstance(config, BConfig):
            raise InputError(
                f"convert: '{name}' is a {type(layer).__name__} with a bconfig of type {type(config).__name__}; "
                f"required: a BConfig on one of {', '.join(kind.__name__ for kind in mapping)}. Delete the attribute, "
                "or pass modules_mapping."
            )
        if getattr(layer, "_installed", None) is not config:
            configs[id(layer)] = config
    return _swap(model, (layer for _, layer in layers), configs, mapping)


def _check_arguments(bconfig: BConfig, custom: Mapping[str, BConfig], ignored: Iterable[str] | None) -> None:
    for name, config in {"bconfig": bconfig, **custom}.items():
        if not isinstance(config, BConfig):
            raise InputError(
                f"prepare_binary_model: {name!r} is of type {type(config).__name__}; required: a BConfig. BConfig() "
                "keeps a layer float."
            )
    if isinstance(ignored, str):
        raise InputError(f"ignore_layers_name={ignored!r} is a string; required: a list of names. Pass [{ignored!r}].")


def _layers(model: nn.Module, mapping: ModulesMapping) -> Iterator[tuple[str, nn.Module]]:
    """Yield what may be swapped, what is binary already, and modules without children, under all their names."""
    return named_layers(
        model, lambda m: type(m) in mapping or isinstance(m, LatentWeight) or next(m.children(), None) is None
    )


def _with_targets(mapping: ModulesMapping) -> dict[type[nn.Module], type[nn.Module]]:
    """Return the mapping, extended so that layers that are swapped already are swapped again."""
    for target in mapping.values():
        if not callable(getattr(target, "from_module", None)):
            raise InputError(
                f"modules_mapping: {getattr(target, '__name__', target)} has no class method from_module; required: "
                "from_module(module, bconfig) -> module."
            )
    return {**{target: target for target in mapping.values()}, **mapping}


def _swap(
    model: nn.Module, layers: Iterable[nn.Module], configs: Mapping[int, BConfig], mapping: ModulesMapping
) -> nn.Module:
    """Make the layers whose id is in `configs` anew, put them wherever the old ones stand; return the model."""
    swaps = {}
    for layer in layers:
        if id(layer) in configs and id(layer) not in swaps:
            swaps[id(layer)] = _binary(layer, mapping[type(layer)], configs[id(layer)])
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if id(child) in swaps:
                module._modules[name] = swaps[id(child)]
    return swaps.get(id(model), model)


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
