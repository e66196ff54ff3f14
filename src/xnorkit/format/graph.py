"""A packed network in memory: what a `.xnor` file says, as frozen dataclasses; see docs/format.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["INPUT", "Graph", "InputSpec", "Node", "Normalization", "ValueSpec"]

INPUT = "input"
"""Name of the image in `Node.source`; no node may have it."""


@dataclass(frozen=True)
class Normalization:
    """Per-channel mean and standard deviation that turn uint8 pixels into the model's float32 input.

    x = (float32(p) / 255 - mean[c]) / std[c], each operation rounded to float32.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def table(self) -> NDArray[np.float32]:
        """Return the normalised value of every pixel value: (C, 256) float32."""
        pixels = np.arange(256, dtype=np.float32) / np.float32(255)
        mean = np.array(self.mean, dtype=np.float32)[:, None]
        std = np.array(self.std, dtype=np.float32)[:, None]
        return (pixels - mean) / std


@dataclass(frozen=True)
class InputSpec:
    """Shape (C, H, W) of one image, and how to normalise uint8 images; None if only float32 images are accepted."""

    shape: tuple[int, int, int]
    normalization: Normalization | None = None


@dataclass(frozen=True)
class ValueSpec:
    """Kind and shape of one value of one image: float32 numbers, or signs as bits (1 means -1)."""

    kind: Literal["f32", "bits"]
    height: int
    width: int
    channels: int

    @property
    def size(self) -> int:
        """Numbers or signs of one image."""
        return self.height * self.width * self.channels

    @property
    def words(self) -> int:
        """32-bit words that hold the signs of one pixel."""
        return -(-self.channels // 32)


@dataclass(frozen=True, eq=False)
class Node:
    """One operation: its unique name, its op, the node (or `"input"`) that it reads, JSON attributes, and tensors."""

    name: str
    op: str
    source: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        tensors = ", ".join(f"{role} {array.shape}" for role, array in self.tensors.items())
        return f"<Node '{self.name}': {self.op} of '{self.source}'; {tensors or 'no tensors'}>"


@dataclass(frozen=True, eq=False)
class Graph:
    """A packed network; nodes stand in the order of execution. `metadata` is free JSON and never executed."""

    name: str
    input: InputSpec
    nodes: tuple[Node, ...]
    output: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = ", ".join(node.name for node in self.nodes)
        return f"<Graph '{self.name}': input {' x '.join(map(str, self.input.shape))}; nodes {names}>"
