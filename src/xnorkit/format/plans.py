"""What an operation makes of what it reads, and the tensors that it needs: the type that all plans share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xnorkit.format.graph import ValueSpec
from xnorkit.format.tensors import TensorRule

__all__ = ["Attributes", "Plan", "Planner"]

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a node makes and the tensors that it needs."""

    output: ValueSpec
    tensors: Mapping[str, TensorRule]


Planner = Callable[[Attributes, Sequence[ValueSpec]], Plan]
