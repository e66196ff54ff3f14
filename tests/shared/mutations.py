"""Altered `.xnor` files from seeds: bytes at random, the JSON, and graphs whose tensors fit what was altered."""

import copy
import functools
import json
import math
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from single_ops import CASES, case

from xnorkit.errors import FormatError
from xnorkit.format import INPUT, Graph, Node, ValueSpec
from xnorkit.format.container import unpack
from xnorkit.format.document import encode, tensor_names
from xnorkit.format.file import from_bytes, to_bytes
from xnorkit.format.operations import OPERATIONS, find_operation
from xnorkit.zoo import list_pretrained, path

__all__ = ["corpus", "fitted", "mutated"]

NAMES = {"<f4": "F32", "<f2": "F16", "<i4": "I32", "<u4": "U32", "|i1": "I8", "|u1": "U8"}
POWERS = [2**k + d for k in (3, 5, 8, 12, 16, 24, 26, 31, 32, 53, 63) for d in (-1, 0, 1)]
NUMBERS: list[Any] = [0, 1, 2, 3, 5, 7, 33, 100, 1000, -1, -(2**31), *POWERS]
OTHERS: list[Any] = [None, True, False, 0.5, 1.0, 1e-40, 1e38, -1e300, "", "input", "x", "\x1b[2J\n", [], {}, [1], [[]]]
SMALL = [1, 2, 3, 4, 5, 8, 16, 33, 64, 130]
MAX_TENSOR = 2**20


@functools.cache
def corpus() -> tuple[tuple[str, bytes], ...]:
    """Return (name, content): every model that ships, and a file for every operation and option."""
    shipped = [(name, path(name).read_bytes()) for name in list_pretrained()]
    return (*shipped, *((name, to_bytes(case(name))) for name in CASES))


def mutated(seed: int) -> tuple[str, bytes]:
    """Return what was done, and an altered file; the same for the same seed."""
    rng = random.Random(seed)
    name, content = corpus()[rng.randrange(len(corpus()))]
    change: Callable[[bytes, random.Random], bytes] = rng.choice((_bytes, _text, _json, _json, _graph, _graph, _graph))
    return f"{name}, {change.__name__[1:]}, seed {seed}", change(content, rng)


def _bytes(content: bytes, rng: random.Random) -> bytes:
    """Bytes anywhere, without a new checksum."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 2:
            data[at:at] = bytes(rng.choices(range(256), k=rng.randint(1, 40)))
        elif kind == 3:
            del data[at : at + rng.randint(1, 100)]
        elif kind == 4:
            data[:8] = struct.pack("<Q", rng.choice([abs(n) % 2**64 for n in NUMBERS]))
        else:
            data = data[:at]
    return bytes(data)


def _text(content: bytes, rng: random.Random) -> bytes:
    """Bytes of the graph's text, with a new checksum where the result is still the text of a graph."""
    text, tensors = _parts(content)
    data = bytearray(text.encode())
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        data[at : at + rng.randrange(3)] = bytes(rng.choices(b'0123456789"{}[],:-.eE\\ntfu x', k=rng.randrange(3)))
    return _file(data.decode(errors="replace"), tensors)


def _json(content: bytes, rng: random.Random) -> bytes:
    """Values of the graph's JSON, or tensors."""
    text, tensors = _parts(content)
    document = json.loads(text)
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.2:
            _alter_tensor(tensors, rng)
        else:
            _alter_value(document, rng)
    return _file(json.dumps(document), tensors)


def _alter_value(document: Any, rng: random.Random) -> None:
    places = list(_places(document))
    holder, key = rng.choice(places)
    old, kind = holder[key], rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(old))
    elif kind == 2:
        other, place = rng.choice(places)
        holder[key] = json.loads(json.dumps(other.get(place) if isinstance(other, dict) else old))
    elif kind == 3 and isinstance(holder, dict):
        holder[rng.choice(["x", "op", "metadata", "classes", key + "\x07"])] = copy.deepcopy(old)
    elif isinstance(old, str) and kind < 6:
        holder[key] = rng.choice([*OPERATIONS, "input", "float", "bits", "weight", old + old])
    else:
        holder[key] = copy.deepcopy(rng.choice(NUMBERS if isinstance(old, int | float) and kind < 7 else OTHERS))


def _places(value: Any) -> Any:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _alter_tensor(tensors: dict[str, NDArray[Any]], rng: random.Random) -> None:
    if not tensors:
        return
    name = rng.choice(list(tensors))
    array = tensors[name]
    kind = rng.randrange(4)
    if kind == 0:
        tensors[name] = array.reshape(-1)
    elif kind == 1:
        tensors[name] = array.astype(rng.choice([np.float32, np.float16, np.int32, np.int8, np.uint8]))
    elif kind == 2 and array.size:
        flat = array.copy().reshape(-1).view(np.uint8)
        flat[rng.randrange(len(flat))] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        tensors[name] = flat.view(array.dtype).reshape(array.shape)
    else:
        tensors[name + rng.choice(["", "x"])] = array[: rng.randrange(len(array) + 1)]


def _graph(content: bytes, rng: random.Random) -> bytes:
    """Attributes and the input's size, small and huge, with tensors made to fit: what a reader has to think about."""
    graph = from_bytes(content)
    nodes = [replace(node, attributes=json.loads(json.dumps(dict(node.attributes)))) for node in graph.nodes]
    for _ in range(rng.randint(1, 3)):
        holders = [node.attributes for node in nodes if node.attributes]
        if holders and rng.random() < 0.8:
            _alter_attribute(rng.choice(holders), rng)
        else:
            shape = list(graph.input.shape)
            shape[rng.randrange(3)] = rng.choice([*SMALL, 224, 1024, 8192, 2**20, 2**24])
            normalization = graph.input.normalization if shape[0] == graph.input.shape[0] else None
            spec = replace(graph.input, shape=tuple(shape), normalization=normalization, dynamic=rng.random() < 0.3)
            graph = replace(graph, input=spec)
    graph = replace(graph, nodes=tuple(fitted(graph, nodes, rng)))
    return _file(encode(graph), dict(tensor_names(graph)))


def _alter_attribute(attributes: Any, rng: random.Random) -> None:
    key = rng.choice(list(attributes))
    value = attributes[key]
    numbers = SMALL if rng.random() < 0.6 else NUMBERS
    if isinstance(value, list):
        if rng.random() < 0.5:
            value[rng.randrange(len(value))] = rng.choice(numbers)
        else:
            attributes[key] = [rng.choice(numbers)] * len(value)
    elif isinstance(value, bool):
        attributes[key] = not value
    elif isinstance(value, int | float):
        attributes[key] = rng.choice(numbers)


def fitted(graph: Graph, nodes: list[Node], rng: random.Random) -> list[Node]:
    """Return the nodes with channels and tensors that fit what each reads, as far as there is a plan."""
    channels, height, width = graph.input.shape
    values = {INPUT: ValueSpec(graph.input.kind, height, width, channels)}
    fitted = []
    for node in nodes:
        sources = [values.get(name, values[INPUT]) for name in node.inputs]
        if "in_channels" in node.attributes and rng.random() < 0.95:
            node.attributes["in_channels"] = sources[0].channels  # type: ignore[index]
        try:
            plan = find_operation(node.op).plan(node.attributes, sources)
        except (FormatError, TypeError, ZeroDivisionError, KeyError, ValueError, OverflowError, MemoryError):
            fitted.append(node)
            continue
        values[node.name] = plan.output
        tensors = {role: _sized(array, plan.tensors[role].shapes) for role, array in node.tensors.items()}
        fitted.append(replace(node, tensors=tensors))
    return fitted


def _sized(array: NDArray[Any], shapes: tuple[tuple[int, ...], ...]) -> NDArray[Any]:
    shape = shapes[0]
    possible = all(isinstance(length, int) and 0 < length <= MAX_TENSOR for length in shape)
    if array.shape in shapes or not possible or math.prod(shape) > MAX_TENSOR:
        return array
    return np.resize(array, shape)


def _parts(content: bytes) -> tuple[str, dict[str, NDArray[Any]]]:
    metadata, arrays = unpack(np.frombuffer(content, np.uint8), None)
    arrays.pop("crc32")
    return metadata["xnorkit"], arrays


def _file(text: str, tensors: dict[str, NDArray[Any]]) -> bytes:
    """Return a file of this text and these tensors, with the checksum of what the text lists."""
    checksum = zlib.crc32(text.encode(errors="replace"))
    for name in _listed(text, tensors):
        checksum = zlib.crc32(tensors[name].tobytes(), checksum)
    everything = {"crc32": np.array([checksum], np.uint32), **tensors}
    header: dict[str, Any] = {"__metadata__": {"xnorkit": text}}
    end = 0
    for name, array in everything.items():
        header[name] = {"dtype": NAMES[array.dtype.str], "shape": list(array.shape)}
        header[name]["data_offsets"] = [end, end := end + array.nbytes]
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + b"".join(a.tobytes() for a in everything.values())


def _listed(text: str, tensors: dict[str, NDArray[Any]]) -> list[str]:
    mean = [name for name in ("input.mean_image",) if name in tensors]
    try:
        names = [f"{node['name']}.{role}" for node in json.loads(text)["nodes"] for role in node["tensors"]]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        names = []
    return [name for name in [*mean, *names] if name in tensors]
