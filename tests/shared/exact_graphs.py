"""Random graphs whose every step has one exact answer: integers, comparisons, and float32 steps of one rounding each.

They begin with signs or 8-bit numbers, so no float sum whose order is free stands anywhere. Scales repeat, biases are
absent or cancel a sum, thresholds are numbers that the value takes: sums that are exactly 0 are common, and a reader
that folds two float32 steps into one turns signs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.format import INPUT, Graph, InputSpec, Node, Normalization
from xnorkit.proof.interpret import apply, read_images

__all__ = ["exact_graph", "images_of"]

CHANNELS = (1, 2, 4, 6, 8, 9, 16, 20)
QUARTERS_STAY = ("clip", "max_pool", "pad", "concat", "gather_channels", "add")
NORMALIZATION = Normalization((0.5, 0.25), (0.5, 0.3))


class _Maker:
    """A growing graph with the numbers that its nodes make of a few images: (N, H, W, C), as the interpreter does."""

    def __init__(self, seed: int, kind: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.input = InputSpec((2, *(int(v) for v in self.rng.integers(5, 10, 2))), NORMALIZATION, kind)
        self.nodes: list[Node] = []
        self.averages: set[str] = set()
        """Means, whose order of summation a runtime may choose, until a sign or an 8-bit number depends on them."""
        self.quarters: set[str] = set()
        """Multiples of 1/4 whatever the image, whose sums are exact in any order."""
        probe = Graph("probe", self.input, (), INPUT)
        self.values = {INPUT: read_images(probe, images_of(probe, 4, seed))}

    def add(self, op: str, inputs: tuple[str, ...], attributes: dict[str, Any], **tensors: NDArray[Any]) -> str:
        node = Node(f"n{len(self.nodes)}", op, inputs, attributes, tensors)
        self.nodes.append(node)
        self.values[node.name] = apply(node, *(self.values[name] for name in inputs))
        of_means = op not in ("pack", "quantize_u8") and self.averages.intersection(inputs)
        if op.endswith("avg_pool") or of_means:
            self.averages.add(node.name)
        floats = [tensors[role] for role in ("scale", "bias") if role in tensors and tensors[role].dtype != np.int32]
        made = bool(floats) and "epilogue" in attributes and all((v * 4 == np.rint(v * 4)).all() for v in floats)
        if made or (op in QUARTERS_STAY and self.quarters.issuperset(inputs)):
            self.quarters.add(node.name)
        return node.name

    def pick(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]

    def of_kind(self, dtype: Any) -> list[str]:
        return [name for name, value in self.values.items() if value.dtype == dtype]

    def shape(self, name: str) -> tuple[int, int, int]:
        _, height, width, channels = self.values[name].shape
        return height, width, channels

    def flags(self, *shape: int) -> NDArray[np.uint8]:
        return self.rng.integers(0, 2, shape, dtype=np.uint8)

    def scales(self, count: int) -> NDArray[Any]:
        """1, or one number for all, or one per channel; now and then negative or 0; float32 or float16."""
        return self._stored(
            np.ones(count, np.float32),
            np.full(count, self.rng.uniform(0.01, 1), np.float32),
            self.rng.uniform(0.01, 1, count).astype(np.float32),
            self.rng.standard_normal(count, dtype=np.float32) * self.rng.integers(0, 3, count).astype(np.float32),
        )

    def biases(self, scale: NDArray[Any]) -> NDArray[Any]:
        """None, or what cancels a small integer times the scale, or any number."""
        return self._stored(
            np.zeros(scale.shape, np.float32),
            -(scale.astype(np.float32) * self.rng.integers(-3, 4, scale.shape).astype(np.float32)),
            self.rng.standard_normal(scale.shape, dtype=np.float32),
        )

    def _stored(self, *choices: NDArray[np.float32]) -> NDArray[Any]:
        chosen = choices[self.rng.integers(len(choices))]
        return chosen.astype(np.float16) if self.rng.random() < 0.15 else chosen

    def window(self, name: str, most: int = 3) -> dict[str, Any]:
        sizes = self.shape(name)[:2]
        kernel = [int(self.rng.integers(1, 1 + min(most, size))) for size in sizes]
        padding = [int(self.rng.integers(0, kernel[side % 2])) for side in range(4)]
        return {"kernel": kernel, "stride": [self.pick(1, 1, 2) for _ in range(2)], "padding": padding}

    def geometry(self, name: str, out: int) -> dict[str, Any]:
        height, width, channels = self.shape(name)
        window = self.window(name)
        dilation = [
            self.pick(1, 1, 2) if 2 * (k - 1) + 1 <= size else 1
            for k, size in zip(window["kernel"], (height, width), strict=True)
        ]
        if self.pick(True, False):  # the size stays, so that sums of two values are common
            window, dilation = {"kernel": [3, 3], "stride": [1, 1], "padding": [1, 1, 1, 1]}, [1, 1]
        groups = [g for g in (1, 1, 2, channels) if channels % g == 0 and out % g == 0]
        more = {"dilation": dilation, "groups": self.pick(*groups)}
        return {**window, **more, "in_channels": channels, "out_channels": out}

    def layer(self, kind: str, name: str, bits: bool) -> str:
        """A binary, 8-bit or binary-weight layer of the value `name`."""
        out = self.pick(*CHANNELS)
        height, width, channels = self.shape(name)
        linear = self.rng.random() < 0.1
        attributes: dict[str, Any] = {"out_features": out} if linear else self.geometry(name, out)
        taps = (height, width, channels)
        if not linear:
            taps = (*attributes["kernel"], channels // attributes["groups"])
        if kind == "int8":
            tensors: dict[str, Any] = {
                "weight": self.rng.integers(-127, 128, (out, *taps)).astype(np.int8),
                "zero_point": self.rng.integers(0, 256, channels).astype(np.uint8),
                "bias": self.rng.integers(-500, 500, out, dtype=np.int32) * self.pick(0, 1, 100_000),
            }
        else:
            tensors = {"weight": np.packbits(self.flags(out, int(np.prod(taps))), axis=1, bitorder="little")}
        scale = self.scales(out)
        floats = {"scale": scale, "bias": self.biases(scale)}
        op = f"{kind}_{'linear' if linear else 'conv2d'}"
        if kind == "binary_weight":
            return self.add(op, (name,), attributes, **tensors, **floats)
        attributes["epilogue"] = "bits" if bits else "float"
        if bits:
            spread = int(np.sqrt(np.prod(taps))) * (100 if kind == "int8" else 1)
            tensors["threshold"] = self.rng.integers(-spread, spread + 1, out, dtype=np.int32)
            tensors["threshold"][0] = self.pick(0, 0, -(2**31), 2**31 - 1)
            return self.add(op, (name,), attributes, **tensors, flip=self.flags(out))
        return self.add(op, (name,), attributes, **tensors, **(floats if kind == "binary" else {"scale": scale / 64}))

    def pack(self, name: str) -> str:
        """Thresholds of 0, of numbers that the value takes, and infinite ones."""
        value = self.values[name]
        channels = value.shape[3]
        taken = value.reshape(-1, channels)
        threshold = taken[self.rng.integers(len(taken), size=channels), np.arange(channels)].copy()
        threshold[self.rng.random(channels) < 0.6] = 0.0
        threshold[self.rng.random(channels) < 0.05] = self.pick(-np.inf, np.inf)
        return self.add("pack", (name,), {}, threshold=threshold, flip=self.flags(channels))

    def step(self, name: str) -> str:
        """One operation from float32 to float32."""
        height, width, channels = self.shape(name)
        scale = self.scales(channels)
        fitting = ((height, width, channels), (1, 1, channels), (height, width, 1))
        same = [other for other in self.of_kind(np.float32) if other != INPUT and self.shape(other) in fitting]
        index = self.rng.integers(0, channels, self.pick(*CHANNELS), dtype=np.int32)
        pool = {"ceil_mode": self.pick(True, False), "count_include_pad": self.pick(True, False)}
        op, inputs, attributes, tensors = self.pick(
            ("affine", (), {}, {"scale": scale, "bias": self.biases(scale)}),
            ("affine", (), {}, {"scale": scale}),
            ("affine", (), {}, {"bias": self.biases(scale)}),
            ("clip", (), {"min": 0, "max": None}, {}),
            ("clip", (), {"min": -1, "max": 1}, {}),
            ("prelu", (), {}, {"slope": scale}),
            ("add", (self.pick(*same),), {}, {}),
            ("add", (same[-1],), {}, {}),
            ("multiply", (self.pick(*same),), {}, {}),
            ("concat", (name,), {}, {}),
            ("gather_channels", (), {"out_channels": len(index)}, {"index": index}),
            ("pad", (), {"padding": [1, 0, 0, 1], "channels": [0, self.pick(0, 1)]}, {}),
            ("max_pool", (), {**self.window(name), "dilation": [1, 1]}, {}),
            ("avg_pool", (), {**self.window(name), **pool}, {}),
            ("global_avg_pool", (), {}, {}),
        )
        return self.add(op, (name, *inputs), attributes, **tensors)

    def quantize(self, name: str) -> str:
        scale = float(np.float32(max(float(np.abs(self.values[name]).max()) / self.pick(4, 16, 100), 2**-20)))
        return self.add("quantize_u8", (name,), {"scale": scale, "zero_point": int(self.rng.integers(0, 200))})

    def grow(self) -> str:
        """Add one node to a value that is there already, one of the latest as a rule; return its name."""
        name = list(self.values)[-1 - min(int(self.rng.geometric(0.6)) - 1, len(self.values) - 1)]
        value, chance = self.values[name], self.rng.random()
        if value.dtype == np.uint8:
            return self.layer("int8", name, self.pick(True, False))
        if value.dtype == np.int8 and chance < 0.2:
            return self.add("max_pool_bits", (name,), self.window(name), falling=self.flags(value.shape[3]))
        if value.dtype == np.int8:
            return self.layer("binary", name, self.pick(True, False, False))
        return self.pack(name) if name == INPUT or chance < 0.3 else self._of_floats(name, chance)

    def _of_floats(self, name: str, chance: float) -> str:
        value = self.values[name]
        if chance < 0.37:
            return self.quantize(name)
        if name in self.quarters and np.abs(value).max() < 2**12 and chance < 0.6:
            return self.layer("binary_weight", name, False)
        return self.step(name)


def exact_graph(seed: int) -> Graph:
    """Return a graph of 6 to 14 nodes, without those that the last float value does not need."""
    maker = _Maker(seed, ("f32", "u8")[seed % 2])
    last = ""
    while len(maker.nodes) < 6 + seed % 9 or not last:
        name = maker.grow()
        if maker.values[name].dtype == np.float32 and name not in maker.averages:
            last = name
    if not np.isfinite(maker.values[last]).all() or np.abs(maker.values[last]).max() > 1e30:
        return exact_graph(seed + 10_000)
    needed = {last}
    for node in reversed(maker.nodes):
        needed |= set(node.inputs) if node.name in needed else set()
    nodes = tuple(node for node in maker.nodes if node.name in needed)
    return Graph(f"exact{seed}", maker.input, nodes, last)


def images_of(graph: Graph, count: int, seed: int) -> NDArray[np.float32]:
    """Return (N, C, H, W) float32 images, those of random pixels under the graph's normalisation."""
    channels, height, width = graph.input.shape
    pixels = np.random.default_rng(seed).integers(0, 256, (count, channels, height, width), dtype=np.uint8)
    table = NORMALIZATION.table()
    return np.stack([table[c][pixels[:, c]] for c in range(channels)], axis=1)
