"""A packed network in memory: the content of a `.xnor` file as frozen dataclasses; see docs/format.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["INPUT", "Graph", "InputSpec", "Kind", "Node", "Normalization", "Preparation", "ValueSpec"]

INPUT = "input"
"""Name of the image in `Node.inputs`; no node may have it."""

Kind = Literal["f32", "bits", "u8"]


@dataclass(frozen=True)
class Normalization:
    """Per-channel mean and standard deviation that turn uint8 pixels into the model's float32 input.

    x = (float32(p) / 255 - mean[c]) / std[c], each operation rounded to float32.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def table(self) -> NDArray[np.float32]:
        """Return the normalised value of every pixel value: (C, 256) float32."""
        return self.of(np.arange(256, dtype=np.float32))

    def of(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the normalised values of pixels (K,) for every channel: (C, K) float32."""
        mean = np.array(self.mean, dtype=np.float32)[:, None]
        std = np.array(self.std, dtype=np.float32)[:, None]
        return (pixels / np.float32(255) - mean) / std


@dataclass(frozen=True, eq=False)
class Preparation:
    """How the images in training were made from pictures, apart from the normalisation; by default unchanged.

    A picture is uint8 pixels with rows from top to bottom and channels red, green, blue. It is transposed, then its
    channels are reordered, then the mean image is subtracted.

    Attributes:
        order: "rgb", or "bgr" if the network's channels are blue, green, red.
        transposed: height and width are swapped: x[c, i, j] = p[c, j, i].
        mean_image: (C, H, W) float32 in the network's order, subtracted from pixels of 0 to 255:
            x = float32(p) - mean_image.
        prepared: None for pixels; for floats that no normalisation gives, a description such as "whitened". Such a
            network does not accept pixels.
    """

    order: Literal["rgb", "bgr"] = "rgb"
    transposed: bool = False
    mean_image: NDArray[np.float32] | None = None
    prepared: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Preparation):
            return NotImplemented
        same = self._plain() == other._plain()
        if self.mean_image is None or other.mean_image is None:
            return same and self.mean_image is other.mean_image
        return same and np.array_equal(self.mean_image, other.mean_image)

    def __hash__(self) -> int:
        return hash(self._plain())

    def _plain(self) -> tuple[str, bool, str | None]:
        return self.order, self.transposed, self.prepared


@dataclass(frozen=True)
class InputSpec:
    """What a network is fed with.

    Attributes:
        shape: (C, H, W) of one image.
        normalization: between uint8 pixels and the float32 images of training; None if only one of them is accepted.
        kind: "f32": the value `input` is the normalised image; "u8": it is the pixels, for an 8-bit first layer.
        dynamic: images of other heights and widths may be run too, if the graph's rules allow them.
        preparation: the other steps from pictures to the images of training, or that those were not pictures.
    """

    shape: tuple[int, int, int]
    normalization: Normalization | None = None
    kind: Literal["f32", "u8"] = "f32"
    dynamic: bool = False
    preparation: Preparation = Preparation()

    @property
    def takes_pixels(self) -> bool:
        """Whether uint8 pixels are accepted."""
        known = self.normalization is not None or self.preparation.mean_image is not None or self.kind == "u8"
        return known and self.preparation.prepared is None

    @property
    def takes_floats(self) -> bool:
        """Whether float32 images, prepared as in training, are accepted."""
        return self.kind == "f32" or self.normalization is not None


@dataclass(frozen=True)
class ValueSpec:
    """Kind and shape of one value for one image: float32 numbers, signs as bits (1 means -1), or 8-bit integers."""

    kind: Kind
    height: int
    width: int
    channels: int

    @property
    def size(self) -> int:
        """Numbers or signs for one image."""
        return self.height * self.width * self.channels

    @property
    def words(self) -> int:
        """32-bit words that hold the signs of one pixel."""
        return -(-self.channels // 32)


@dataclass(frozen=True, eq=False)
class Node:
    """One operation: its unique name, its op, the nodes (or `"input"`) that it reads, JSON attributes and tensors."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The first value that it reads; most operations read only one."""
        return self.inputs[0]

    def __repr__(self) -> str:
        tensors = ", ".join(f"{role} {array.shape}" for role, array in self.tensors.items())
        return f"<Node '{self.name}': {self.op} of {', '.join(map(repr, self.inputs))}; {tensors or 'no tensors'}>"


@dataclass(frozen=True, eq=False)
class Graph:
    """A packed network; nodes are in the order of execution. `metadata` is free-form JSON and never executed."""

    name: str
    input: InputSpec
    nodes: tuple[Node, ...]
    output: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = ", ".join(node.name for node in self.nodes)
        return f"<Graph '{self.name}': input {' x '.join(map(str, self.input.shape))}; nodes {names}>"
