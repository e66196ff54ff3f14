"""The results of a proof: equal numbers layer by layer, bounds of floats, and differences end to end."""

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["FloatProof", "LayerProof", "Proof"]


@dataclass
class LayerProof:
    """How often one node on bits or integers, fed with the trained model's own input, gave the trained model's numbers.

    integers are the sums of a binary layer. outputs are the results of the node: bits, compared one by one, or floats
    after an epilogue, which count as equal within the bound of `FloatProof`.
    """

    name: str
    integers: int = 0
    integers_equal: int = 0
    outputs: int = 0
    outputs_equal: int = 0

    @property
    def equal(self) -> bool:
        """True if every integer and every output was equal."""
        return self.integers == self.integers_equal and self.outputs == self.outputs_equal


@dataclass
class FloatProof:
    """How close one node of floats, fed with the trained model's own input, came to the trained model's numbers.

    The bound of each number is (n + 32) 2^-24 m, where n is the number of summands and m the sum of their absolute
    values. Any order of summation, and fusing a scale and a bias, stays within it. largest: the largest difference, in
    units of its bound, so at most 1 if all are within.
    """

    name: str
    numbers: int = 0
    within: int = 0
    largest: float = 0.0

    @property
    def equal(self) -> bool:
        """True if every number was within its bound."""
        return self.numbers == self.within


@dataclass
class Proof:
    """Layer-by-layer equality and end-to-end differences over `images` images.

    half: the model was compared with its weights rounded to float16, as the file holds them. order: names of the nodes
    in `layers` and `floats`, as the program runs them.
    """

    images: int = 0
    layers: list[LayerProof] = field(default_factory=list)
    end_to_end_bits: int = 0
    flips: dict[str, int] = field(default_factory=dict)  # per binary layer: input bits that differ end to end
    flip_locations: list[dict[str, Any]] = field(
        default_factory=list
    )  # the first few: layer, image, row, column, channel
    predictions_equal: int = 0
    max_logit_difference: float = 0.0
    floats: list[FloatProof] = field(default_factory=list)
    half: bool = False
    order: list[str] = field(default_factory=list)

    @property
    def binary_outputs_equal(self) -> bool:
        """True if every layer, fed with the trained model's bits, gave equal numbers; False without images."""
        return self.images > 0 and all(layer.equal for layer in self.layers)

    @property
    def floats_within_bound(self) -> bool:
        """True if every float, computed from the trained model's own numbers, was within its bound."""
        return self.images > 0 and all(layer.equal for layer in self.floats)

    @property
    def total_flips(self) -> int:
        """Sign flips of all layers' input bits, end to end."""
        return sum(self.flips.values())

    def __str__(self) -> str:
        proved = self.binary_outputs_equal and self.floats_within_bound
        lines = [f"{self.images:,} images, layer by layer: {'equal' if proved else 'NOT proved equal'}"]
        if self.half:
            lines.append("compared with the trained model whose float weights are rounded to float16")
        layers = {layer.name: layer for layer in self.layers}
        floats = {layer.name: layer for layer in self.floats}
        lines += [f"  {name}: {_found(layers.get(name), floats.get(name))}" for name in self.order]
        lines.append(
            f"end to end: {self.total_flips:,} of {self.end_to_end_bits:,} signs flipped, {self.predictions_equal:,} "
            f"of {self.images:,} predictions equal, largest logit difference {self.max_logit_difference:.2g}"
        )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the fields and totals as JSON values."""
        return {
            **asdict(self),
            "binary_outputs_equal": self.binary_outputs_equal,
            "floats_within_bound": self.floats_within_bound,
            "total_flips": self.total_flips,
        }


def _found(layer: LayerProof | None, floats: FloatProof | None) -> str:
    """Return the result for one node, in words; its floats, if it has any, rather than its outputs."""
    parts = []
    if layer is not None and layer.integers:
        parts.append(f"{layer.integers_equal:,} of {layer.integers:,} integers equal")
    if floats is not None:
        parts.append(f"{floats.within:,} of {floats.numbers:,} floats within the bound of rounding")
    elif layer is not None:
        parts.append(f"{layer.outputs_equal:,} of {layer.outputs:,} bits equal")
    return ", ".join(parts)
