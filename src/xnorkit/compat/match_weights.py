"""Match tensors to a model with other names, or list the mismatches."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from xnorkit.errors import InputError

__all__ = ["Matched", "match_weights"]

SHOWN = 10
COUNTER = "num_batches_tracked"  # of batch normalizations, since PyTorch 0.4.1


@dataclass(frozen=True)
class Matched:
    """The names of a file with their names in the model, the tensors, and counters that the file lacks."""

    names: dict[str, tuple[str, ...]]
    tensors: dict[str, Tensor]
    absent_counters: tuple[str, ...]


def match_weights(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    rename: Callable[[str, Tensor], dict[str, Tensor]],
    source: str,
) -> Matched:
    """Return each tensor of `theirs` under its name in `ours`: the same name, or the result of `rename`.

    Args:
        theirs: the tensors of the file.
        ours: the `state_dict` of the model.
        rename: a function from a name and tensor of the file to those of the model.
        source: the file and model in errors.

    Raises:
        InputError: names lack a counterpart on either side (the message suggests near matches), or shapes differ.
    """
    names: dict[str, tuple[str, ...]] = {}
    tensors: dict[str, Tensor] = {}
    unknown, misshapen = [], []
    for name, value in theirs.items():
        given = {name: value} if name in ours else rename(name, value)
        if not all(key in ours for key in given):
            unknown.append(name)
            continue
        names[name] = tuple(given)
        tensors |= given
        misshapen += [
            f"{name} {tuple(t.shape)}, not {tuple(ours[key].shape)}"
            for key, t in given.items()
            if t.shape != ours[key].shape
        ]
    absent = [key for key in ours if key not in tensors]
    missing = [key for key in absent if not key.endswith(COUNTER)]
    if unknown or missing or misshapen:
        near = {key: difflib.get_close_matches(key, missing or ours, n=1) for key in unknown}
        fits = len(names) - len(misshapen)
        raise InputError(
            f"{source}: {fits} of {len(theirs)} tensors fit, but every tensor of the model must."
            + _listed("Not in the model", (f"{key} (near {near[key][0]})" if near[key] else key for key in unknown))
            + _listed("Missing in the file", missing)
            + _listed("Of another shape", misshapen)
            + " Choose the model that wrote the file."
        )
    return Matched(names, tensors, tuple(key for key in absent if key.endswith(COUNTER)))


def _listed(what: str, names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f" {what}: {', '.join(names[:SHOWN])}{more}." if names else ""
