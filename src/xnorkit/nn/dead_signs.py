"""Finds signs that are +1 for every input of the network, because their own input is never negative."""

import copy
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from xnorkit.errors import InputError
from xnorkit.nn._latent import LatentWeight
from xnorkit.nn._nonnegative import above_zero, nonnegative_values

__all__ = ["POSITIVE_REMEDY", "REMEDIES", "DeadSign", "dead_among", "find_dead_signs", "nonnegative_inputs"]

REMEDIES = (
    'activations="auto" of prepare_binary_model (0 and 1 instead of -1 and +1 there, exact on bits), a BatchNorm '
    "before the layer, or a learned shift (activation_pre_process=InputBiasBinarizer)"
)
"""The remedies for a dead sign, for messages."""

POSITIVE_REMEDY = "a BatchNorm before the layer"
"""The remedy for signs of numbers above 0."""

PROBE = (0.0, 1e-3, 0.1, 0.5, 1.0, 2.0, 1e3)
LEAVES = ("torch.nn.", "xnorkit.nn.", "xnorkit.ops.")  # torch.nn.Sequential and its like are traced into nevertheless


@dataclass(frozen=True)
class DeadSign:
    """A binary layer, by its dotted name, whose activations are all the same number, and why."""

    name: str
    reason: str

    @property
    def positive(self) -> bool:
        """Whether the numbers are also above 0, as after a sigmoid: then 0 and 1 do not help, as all would be 1."""
        return above_zero(self.reason)


def find_dead_signs(model: nn.Module, example: Tensor | tuple[Any, ...] | None = None) -> list[DeadSign]:
    """Return the binary layers of `model` whose signs are all +1, because they read numbers that are never negative.

    sign(0) = +1, so after a ReLU every sign is +1: the layer returns the same numbers for all inputs, and so does the
    rest of the network. The model is traced with torch.fx, without an input and without changing the model. If its
    forward cannot be traced, its submodules are traced one by one, and operations between them are not seen. A layer
    counts if its activation process gives the same number for all of 0, 0.001, ..., 1000. This includes layers with a
    learned shift above 0, and excludes 0/1 activations.

    Args:
        model: any module.
        example: an input (N, ...), or a tuple of inputs, of real data, which is evaluated in addition: layers whose
            input is never negative there also count. Pass it for models that cannot be traced.

    Raises:
        InputError: the model does not run on the example.

    Examples:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), BinaryConv2d(8, 8, 3))
        >>> find_dead_signs(net)
        [DeadSign(name='2', reason="ReLU '1'")]
    """
    return dead_among(model, nonnegative_inputs(model, example))


def dead_among(model: nn.Module, reasons: Mapping[str, str]) -> list[DeadSign]:
    """Return those of `nonnegative_inputs` whose activation process gives the same number for all inputs."""
    signs = [DeadSign(name, why) for name, why in reasons.items()]
    return [
        sign for sign in signs if _is_constant(model.get_submodule(sign.name), PROBE[2:] if sign.positive else PROBE)
    ]


def nonnegative_inputs(model: nn.Module, example: Tensor | tuple[Any, ...] | None = None) -> dict[str, str]:
    """Return what makes the input of a binary layer never negative, by dotted name; see `find_dead_signs`."""
    found: dict[int, str] = {}
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from a forward that gets symbols instead of tensors
        for module, why in _search(model, ""):
            found.setdefault(id(module), why)
    if example is not None:
        found = _seen(model, example) | found
    return {name: found[id(module)] for name, module in model.named_modules() if id(module) in found}


def _search(model: nn.Module, prefix: str) -> Iterator[tuple[nn.Module, str]]:
    """Yield (binary layer, why its input is never negative) of a model, from its graph or from those of its parts."""
    if isinstance(model, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        yield from _feed_forward(model, prefix)
    if isinstance(model, LatentWeight) or not any(isinstance(module, LatentWeight) for module in model.modules()):
        return
    try:
        graph = _Tracer().trace(_skeleton(model))
    except Exception:  # whatever a user's forward raises when it gets symbols
        for name, child in model.named_children():
            yield from _search(child, f"{prefix}{name}.")
        return
    modules = dict(model.named_modules(remove_duplicate=False))
    reasons = nonnegative_values(graph, modules, prefix)
    calls: dict[int, list[fx.Node]] = {}
    for node in graph.nodes:
        if node.op == "call_module":
            calls.setdefault(id(modules[str(node.target)]), []).append(node)
    for nodes in calls.values():
        target, module = str(nodes[0].target), modules[str(nodes[0].target)]
        if not isinstance(module, LatentWeight):
            yield from _search(module, f"{prefix}{target}.")
        elif all(node in reasons for node in nodes):
            yield module, reasons[nodes[0]]


def _feed_forward(layer: Any, prefix: str) -> Iterator[tuple[nn.Module, str]]:
    """Yield linear2 of a transformer layer if a ReLU precedes it; the layer's forward cannot be traced."""
    relu = layer.activation in (F.relu, torch.relu) or isinstance(layer.activation, nn.ReLU | nn.ReLU6)
    if relu and isinstance(layer.linear2, LatentWeight):
        yield layer.linear2, f"the ReLU of '{prefix.rstrip('.') or type(layer).__name__}'"


class _Tracer(fx.Tracer):
    """Traces into the user's modules and containers, but not into layers of PyTorch and of this library."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if isinstance(m, LatentWeight):
            return True
        return type(m).__module__.startswith(LEAVES) and not isinstance(m, nn.Sequential)


def _skeleton(model: nn.Module) -> nn.Module:
    """Return a copy that shares parameters and buffers, so that anything a forward stores in `self` is discarded."""
    kept = (list, dict, set)
    copies: dict[int, nn.Module] = {}
    for module in model.modules():
        twin = copies[id(module)] = module.__class__.__new__(module.__class__)
        state = module.__dict__.items()
        twin.__dict__.update({name: copy.copy(value) if isinstance(value, kept) else value for name, value in state})
        for name in ("_forward_hooks", "_forward_pre_hooks"):
            twin.__dict__[name] = OrderedDict()
        twin.__dict__.pop("_compiled_call_impl", None)
    for twin in copies.values():
        for name, child in twin._modules.items():
            twin._modules[name] = None if child is None else copies[id(child)]
    return copies[id(model)]


def _is_constant(layer: nn.Module, probe: Sequence[float]) -> bool:
    """Return whether the activation process of a binary layer gives the same number for all inputs of at least 0."""
    process: Any = layer.activation_pre_process
    process = copy.deepcopy(process).eval()
    weight: Any = layer.weight
    channels = getattr(layer, "in_channels", getattr(layer, "in_features", weight.shape[1]))
    spatial = (1,) * (weight.dim() - 2)
    values = torch.tensor(probe, dtype=weight.dtype, device=weight.device).reshape(-1, 1, *spatial)
    try:
        with torch.no_grad():
            y = process(values.expand(len(probe), channels, *spatial).clone())
            return isinstance(y, Tensor) and bool((y == y.flatten()[0]).all())
    except Exception:  # a user's process that wants other shapes, or a model without numbers (device "meta")
        return False


def _seen(model: nn.Module, example: Tensor | tuple[Any, ...]) -> dict[int, str]:
    """Return the layers whose input is never negative while a copy of `model` evaluates `example`."""
    least: dict[int, float] = {}
    twin = copy.deepcopy(model).eval()
    pairs = list(zip(model.modules(), twin.modules(), strict=True))
    layers = [(module, other) for module, other in pairs if isinstance(module, LatentWeight)]
    for module, other in layers:

        def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], key: int = id(module)) -> None:
            x = args[0] if args else kwargs["x"]
            least[key] = min(least.get(key, float("inf")), x.amin().item())

        other.register_forward_pre_hook(note, with_kwargs=True)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            twin(*example) if isinstance(example, tuple) else twin(example)
    except Exception as error:
        raise InputError(
            f"{type(model).__name__} does not run on the example: {error}. Pass an input of its forward, "
            "(N, C, H, W) for images, or a tuple of its inputs."
        ) from error
    return {key: "no negative number in the example" for key, value in least.items() if value >= 0}
