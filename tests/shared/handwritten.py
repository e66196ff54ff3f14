"""A .xnor file assembled by hand, byte by byte, so that a test can break one thing in it; uses nothing of xnorkit."""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def f32(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def i32(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


def _conv(kernel: int, channels_in: int, channels_out: int, **more: Any) -> dict[str, Any]:
    return {
        "kernel": [kernel, kernel],
        "stride": [1, 1],
        "padding": [0, 0, 0, 0],
        "dilation": [1, 1],
        "groups": 1,
        "in_channels": channels_in,
        "out_channels": channels_out,
        **more,
    }


def _document() -> dict[str, Any]:
    """1x4x4 image -> 2x4x4 -> signs -> pool 2x2x2 -> 3x1x1 bits -> 2 floats -> 2 floats."""
    nodes = [
        ("conv", "float_conv2d", "input", _conv(1, 1, 2), ["weight", "bias"]),
        ("sign", "pack", "conv", {}, ["threshold", "flip"]),
        (
            "pool",
            "max_pool_bits",
            "sign",
            {"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0, 0, 0]},
            ["falling"],
        ),
        ("bconv", "binary_conv2d", "pool", _conv(2, 2, 3, epilogue="bits"), ["weight", "threshold", "flip"]),
        (
            "blin",
            "binary_linear",
            "bconv",
            {"out_features": 2, "epilogue": "float"},
            ["weight", "scale", "bias"],
        ),
        ("relu", "clip", "blin", {"min": 0, "max": None}, []),
        ("fc", "float_linear", "relu", {"out_features": 2}, ["weight", "bias"]),
    ]
    keys = ("name", "op", "inputs", "attributes", "tensors")
    return {
        "version": 1,
        "producer": "hand 1.0",
        "name": "small",
        "input": {
            "shape": [1, 4, 4],
            "kind": "f32",
            "dynamic": False,
            "normalization": {"mean": [0.5], "std": [0.25]},
        },
        "nodes": [dict(zip(keys, (name, op, [source], *more), strict=True)) for name, op, source, *more in nodes],
        "output": "fc",
        "metadata": {"classes": ["no", "yes"]},
    }


def _tensors() -> dict[str, tuple[str, list[int], bytes]]:
    return {
        "conv.weight": ("F32", [2, 1, 1, 1], f32(1, -2)),
        "conv.bias": ("F32", [2], f32(0.5, 0)),
        "sign.threshold": ("F32", [2], f32(0, float("-inf"))),
        "sign.flip": ("U8", [2], b"\x00\x01"),
        "pool.falling": ("U8", [2], b"\x00\x01"),
        "bconv.weight": ("U8", [3, 1], b"\xff\x0f\xa5"),
        "bconv.threshold": ("I32", [3], i32(0, 2, -2)),
        "bconv.flip": ("U8", [3], b"\x00\x01\x00"),
        "blin.weight": ("U8", [2, 1], b"\x05\x02"),
        "blin.scale": ("F32", [2], f32(0.5, 2)),
        "blin.bias": ("F32", [2], f32(1, -1)),
        "fc.weight": ("F32", [2, 1, 1, 2], f32(1, 0, 0, 1)),
        "fc.bias": ("F32", [2], f32(0, 0)),
    }


@dataclass
class HandFile:
    """The parts of a file. What is None is derived: the graph's text, the checksum, the whole header."""

    document: dict[str, Any] = field(default_factory=_document)
    tensors: dict[str, tuple[str, list[int], bytes]] = field(default_factory=_tensors)
    text: str | None = None
    checksum: tuple[str, list[int], bytes] | None = None
    metadata: dict[str, str] | None = None
    header: str | None = None

    def set(self, **parts: Any) -> None:
        for name, value in parts.items():
            assert hasattr(self, name)
            setattr(self, name, value)

    def node(self, name: str) -> dict[str, Any]:
        return next(node for node in self.document["nodes"] if node["name"] == name)

    def attributes(self, name: str) -> dict[str, Any]:
        return self.node(name)["attributes"]

    def prepare(self, **keys: Any) -> dict[str, Any]:
        """Give the input a preparation, the default but for `keys`; return it."""
        usual = {"order": "rgb", "transposed": False, "mean_image": False, "prepared": None}
        self.document["input"]["preparation"] = usual | keys
        return self.document["input"]["preparation"]

    def mean_image(self, dtype: str = "F32", shape: Sequence[int] = (1, 4, 4), numbers: Sequence[float] = ()) -> None:
        """Give the input a mean image, by default of ones, in the place of its normalisation."""
        self.prepare(mean_image=True)
        self.document["input"]["normalization"] = None
        self.tensors = {"input.mean_image": (dtype, list(shape), f32(*(numbers or [1.0] * 16))), **self.tensors}

    def append(self, op: str, inputs: list[str], attributes: dict[str, Any], **tensors: Any) -> None:
        """Add a node 'more' at the end; it becomes the output."""
        keys = ("name", "op", "inputs", "attributes", "tensors")
        node = dict(zip(keys, ("more", op, inputs, attributes, list(tensors)), strict=True))
        self.document["nodes"].append(node)
        self.document["output"] = "more"
        self.tensors |= {f"more.{role}": tensor for role, tensor in tensors.items()}

    def to_bytes(self) -> bytes:
        text = json.dumps(self.document) if self.text is None else self.text
        tensors = {"crc32": self.checksum or self._checksum(text), **self.tensors}
        header: dict[str, Any] = {"__metadata__": {"xnorkit": text} if self.metadata is None else self.metadata}
        data = b""
        for name, (dtype, shape, content) in tensors.items():
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
            data += content
        encoded = (json.dumps(header) if self.header is None else self.header).encode()
        return struct.pack("<Q", len(encoded)) + encoded + data

    def rename(self, old: str, new: str) -> None:
        """Give a node and its tensors another name; who reads it still asks for the old one."""
        self.node(old)["name"] = new
        self.tensors = {
            f"{new}.{name.rpartition('.')[2]}" if name.rpartition(".")[0] == old else name: tensor
            for name, tensor in self.tensors.items()
        }

    def _checksum(self, text: str) -> tuple[str, list[int], bytes]:
        """Tensors stand in the order in which the nodes list them."""
        content = b"".join(tensor[2] for tensor in self.tensors.values())
        return ("U32", [1], struct.pack("<I", zlib.crc32(text.encode(errors="replace") + content)))
