"""Makes models by name. Only making one needs torch."""

import difflib
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from xnorkit.errors import RecipeError
from xnorkit.models.entries import ENTRIES, Entry
from xnorkit.own import is_own, own, own_hint
from xnorkit.zoo import list_pretrained

if TYPE_CHECKING:
    from torch import nn

    from xnorkit.nn import BConfig

__all__ = ["binarizations", "create_model", "input_shape", "list_models"]


def create_model(
    name: str,
    num_classes: int | None = None,
    binarization: "str | BConfig | None" = None,
    *,
    pretrained: bool = False,
    **options: Any,
) -> "nn.Module":
    """Return a new model with random weights, in training mode; or a packed trained one, for evaluation only.

    Args:
        name: one of `list_models()`, or `package.module:Name`, a class or function of your own that takes `num_classes`
            and `options` and returns a module; with `pretrained` one of `xnorkit.zoo.list_pretrained()`.
        num_classes: number of logits, at least 1; by default that of the data set for which the model is made.
        binarization: one of `binarizations(name)`, described in `xnorkit.models.BINARIZATIONS`; by default the first of
            them: "xnor" for most models, otherwise that of the model's paper. Or one of your own: a `BConfig`, or the
            name of one, or of a binarizer of activations or of weights, as `package.module:Name`. In a model of your
            own it leaves the first and the last layer as they are; without it, such a model is what it makes itself.
        pretrained: return the trained model that ships under this name, on the engine
            (`xnorkit.models.pretrained.PretrainedModule`), which accepts no other argument.
        options: options of the model, such as `block_type` of ResNets.

    Raises:
        RecipeError: the name, binarization or an option is unknown; the message suggests near matches.
        InputError: an option does not accept its value, or no trained model has this name.

    Examples:
        >>> model = create_model("resnet18-cifar10", binarization="react", shortcut_type="binary")
    """
    if pretrained:
        # Imported here, because training a model needs neither the exporter nor the engine.
        from xnorkit.models.pretrained import load_pretrained_module

        return load_pretrained_module(name, {"num_classes": num_classes, "binarization": binarization, **options})
    if is_own(binarization):
        from xnorkit.models.own_binarization import own_binarization

        binarization = own_binarization(str(binarization))
    if is_own(name):
        from xnorkit.models.own_binarization import own_model

        return own_model(name, num_classes, binarization, options)
    entry = _entry(name)
    if binarization is None:
        binarization = entry.binarizations[0]
    elif isinstance(binarization, str) and binarization not in entry.binarizations:
        raise _unknown(f"a binarization of model '{name}'", binarization, entry.binarizations)
    num_classes = entry.data[1] if num_classes is None else num_classes
    if num_classes < 1:
        raise RecipeError(f"num_classes={num_classes}, but it must be at least 1.")
    for option in options:
        if option not in entry.options:
            raise _unknown(f"an option of model '{name}'", option, entry.options)
    return entry.make(num_classes=num_classes, binarization=binarization, **options)


def binarizations(name: str) -> tuple[str, ...]:
    """Return the binarizations that model `name` offers, the default first; an unknown name is a RecipeError."""
    return _entry(name).binarizations


def input_shape(name: str) -> tuple[int, int, int]:
    """Return the image shape (C, H, W) that model `name` is made for; RecipeError if the name is unknown.

    A class or function of your own, `package.module:Name`, has it as its attribute `input_shape`.
    """
    if is_own(name):
        shape = getattr(own(name, "model.name"), "input_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
            raise RecipeError(
                f"model.name={name} has input_shape={shape!r}, but it must have the attribute input_shape = (C, H, W), "
                "the shape of the images that it takes."
            )
        return shape
    return _entry(name).data[0]


def list_models(pattern: str | None = None) -> list[str]:
    """Return the sorted model names, or those that match a shell pattern such as `lenet*`."""
    return sorted(name for name in ENTRIES if pattern is None or fnmatchcase(name, pattern))


def _entry(name: str) -> Entry:
    if name not in ENTRIES and name in list_pretrained():
        raise RecipeError(
            f"'{name}' must be an architecture, but it is a trained model. Pass pretrained=True or choose one of "
            "list_models()."
        )
    if name not in ENTRIES:
        raise _unknown("a model", name, list_models())
    return ENTRIES[name]


def _unknown(what: str, name: str, known: Collection[str]) -> RecipeError:
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Choose one of {', '.join(known)}." if known else "Omit it: there are none."
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    hint = own_hint(name) or hint
    return RecipeError(f"'{name}' is not {what}. {hint}")
