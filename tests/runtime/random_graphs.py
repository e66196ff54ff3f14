"""Random valid graphs from a seed: every op, epilogue and geometry that the engine runs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.format import INPUT, Graph, InputSpec, Node, Normalization, ValueSpec, infer_shapes

CHANNELS = (1, 2, 3, 7, 8, 31, 32, 33, 64, 65, 70)


class Builder:
    """Adds one random node after the other to a chain."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        channels = self.pick(1, 2, 3, 4)
        shape = (channels, *(int(v) for v in self.rng.integers(1, 10, 2)))
        mean, std = (tuple(float(v) for v in self.rng.uniform(0.2, 0.8, channels)) for _ in range(2))
        self.input = InputSpec(shape, Normalization(mean, std))
        self.nodes: list[Node] = []
        self.value = ValueSpec("f32", shape[1], shape[2], channels)

    def graph(self) -> Graph:
        return Graph("random", self.input, tuple(self.nodes), self.nodes[-1].name)

    def pick(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]

    def add(self, op: str, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
        source = self.nodes[-1].name if self.nodes else INPUT
        self.nodes.append(Node(f"{op}{len(self.nodes)}", op, (source,), attributes, tensors))
        self.value = infer_shapes(self.graph())[self.nodes[-1].name]

    def floats(self, *shape: int) -> NDArray[np.float32]:
        return self.rng.standard_normal(shape, dtype=np.float32)

    def flags(self, *shape: int) -> NDArray[np.uint8]:
        return self.rng.integers(0, 2, shape, dtype=np.uint8)

    def window(self, most: int = 3) -> dict[str, Any]:
        kernel = [int(self.rng.integers(1, 1 + min(most, size))) for size in (self.value.height, self.value.width)]
        padding = [int(self.rng.integers(0, kernel[side % 2])) for side in range(4)]
        return {"kernel": kernel, "stride": [self.pick(1, 1, 2, 3) for _ in range(2)], "padding": padding}

    def conv(self, out_channels: int) -> dict[str, Any]:
        window = self.window(4)
        # A dilated kernel must still fit: a kernel of 1 may have any dilation.
        sizes = (self.value.height, self.value.width)
        dilation = [
            self.pick(1, 2) if 2 * (k - 1) + 1 <= size else 1 for k, size in zip(window["kernel"], sizes, strict=True)
        ]
        channels = self.value.channels
        more = {"dilation": dilation, "groups": 1, "in_channels": channels, "out_channels": out_channels}
        return {**window, **more}

    def float_conv(self) -> None:
        out = self.pick(*CHANNELS)
        attributes = self.conv(out)
        weight = self.floats(out, *attributes["kernel"], self.value.channels)
        self.add("float_conv2d", attributes, {"weight": weight, "bias": self.floats(out)})

    def pack(self) -> None:
        v = self.value
        shape = self.pick((v.channels,), (v.height, v.width, v.channels))
        threshold = self.floats(*shape)
        threshold.flat[0] = self.pick(-np.inf, np.inf, 0.0, -0.0)
        self.add("pack", {}, {"threshold": threshold, "flip": self.flags(*shape)})

    def pool(self) -> None:
        self.add("max_pool_bits", self.window(), {"falling": self.flags(self.value.channels)})

    def pad(self) -> None:
        self.add("pad_bits", {"padding": [int(self.rng.integers(0, 3)) for _ in range(4)]}, {})

    def binary(self, epilogue: str, linear: bool = False) -> None:
        out = self.pick(*CHANNELS)
        attributes = {"out_features": out} if linear else self.conv(out)
        k = self.value.size if linear else int(np.prod(attributes["kernel"])) * self.value.channels
        weight = np.packbits(self.flags(out, k), axis=1, bitorder="little")
        if epilogue == "float":
            tensors = {"scale": self.floats(out), "bias": self.floats(out)}
        else:
            tensors = self._integer_thresholds(attributes, weight, k)
        op = "binary_linear" if linear else "binary_conv2d"
        self.add(op, {**attributes, "epilogue": epilogue}, {"weight": weight, **tensors})

    def _integer_thresholds(self, attributes: dict[str, Any], weight: NDArray[Any], k: int) -> dict[str, NDArray[Any]]:
        """Per channel or per position, near 0, where the dots are, with one beyond every dot."""
        out = len(weight)
        shape: tuple[int, ...] = (out,)
        if "kernel" in attributes and self.pick(True, False):
            per_channel = {"threshold": np.zeros(out, np.int32), "flip": np.zeros(out, np.uint8)}
            probe = Node(
                "probe",
                "binary_conv2d",
                (self.nodes[-1].name,),
                {**attributes, "epilogue": "bits"},
                {"weight": weight, **per_channel},
            )
            value = infer_shapes(Graph("probe", self.input, (*self.nodes, probe), "probe"))["probe"]
            shape = (value.height, value.width, out)
        spread = max(2, int(np.sqrt(k)))
        threshold = self.rng.integers(-spread, spread + 1, shape, dtype=np.int32)
        threshold.flat[0] = self.pick(-(2**31), 2**31 - 1, 0)
        return {"threshold": threshold, "flip": self.flags(*shape)}

    def float_linear(self) -> None:
        v, out = self.value, self.pick(1, 2, 10, 17)
        weight = self.floats(out, v.height, v.width, v.channels)
        self.add(
            "float_linear",
            {"out_features": out},
            {"weight": weight, "bias": self.floats(out)},
        )


def random_graph(seed: int) -> Graph:
    """[float convs] pack [pools, binary convs]* [binary to float [pack ...]] binary or float linear."""
    b = Builder(seed)
    for _ in range(b.pick(0, 1, 2)):
        b.float_conv()
    b.pack()
    for _ in range(b.pick(1, 2, 3)):
        b.pick(b.pool, b.pad, lambda: b.binary("bits"), lambda: b.binary("bits"))()
    if b.pick(True, False):
        b.binary("float")
        b.pack()
    if b.pick(True, False):
        b.binary("bits", linear=True)
    b.binary("float", linear=b.pick(True, False))
    if b.pick(True, False):
        b.float_linear()
    return b.graph()
