"""Each pass alone: the graph gives the same numbers after it, and what it should remove is gone."""

from itertools import product

import numpy as np
import pytest

from xnorkit.compile.draft import Draft
from xnorkit.compile.passes import drop_identities, drop_unread, fold_affine, half_weights, share_nodes
from xnorkit.compile.values import Value
from xnorkit.format import INPUT, Graph, InputSpec, infer_shapes
from xnorkit.proof.interpret import interpret

RNG = np.random.default_rng(0)
CONV = {"kernel": [3, 3], "stride": [1, 1], "padding": [1, 1, 1, 1], "dilation": [1, 1], "groups": 1}
CONV |= {"in_channels": 2, "out_channels": 4}
IMAGES = RNG.standard_normal((2, 2, 5, 5), dtype=np.float32)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, dtype=np.float32)


def run(draft: Draft) -> np.ndarray:
    graph = Graph("test", InputSpec((2, 5, 5)), tuple(draft.nodes), draft.output)
    infer_shapes(graph)
    return interpret(graph, IMAGES)[draft.output]


def origin(name: str) -> Value:
    return Value(name, None, (), (4, 5, 5), (4, 5, 5))  # type: ignore[arg-type]


def producer(draft: Draft, kind: str) -> str:
    weight = np.packbits(floats(4, 18) < 0, axis=1, bitorder="little")
    if kind == "float":
        return draft.emit("layer", "float_conv2d", [INPUT], CONV, {"weight": floats(4, 3, 3, 2), "bias": floats(4)})
    scales = {"weight": weight, "scale": floats(4), "bias": floats(4)}
    if kind == "binary weight":
        return draft.emit("layer", "binary_weight_conv2d", [INPUT], CONV, scales)
    if kind == "affine":
        name = draft.emit("wide", "gather_channels", [INPUT], {"out_channels": 4}, {"index": np.int32([0, 1, 0, 1])})
        return draft.emit("layer", "affine", [name], {}, {"scale": floats(4)})
    bits = {"threshold": np.zeros(2, np.float32), "flip": np.zeros(2, np.uint8)}
    sign = draft.emit("sign", "pack", [INPUT], {}, bits)
    return draft.emit("layer", "binary_conv2d", [sign], {**CONV, "epilogue": "float"}, scales)


@pytest.mark.parametrize("kind", ["float", "binary weight", "binary"])
@pytest.mark.parametrize("roles", [("scale",), ("bias",), ("scale", "bias")])
def test_fold_affine(kind: str, roles: tuple[str, ...]) -> None:
    draft = Draft()
    first = producer(draft, kind)
    draft.output = draft.emit("norm", "affine", [first], {}, {role: floats(4) for role in roles})
    draft.origins = {"layer": origin("before"), "norm": origin("after")}
    before = run(draft)
    assert fold_affine(draft) == [f"'norm' into 'layer' ({draft.nodes[-1].op})"]
    assert draft.output == "layer"
    assert draft.origins["layer"].name == "after"
    np.testing.assert_allclose(run(draft), before, rtol=1e-5, atol=1e-5)


def test_fold_affine_leaves_what_others_read_and_positions() -> None:
    draft = Draft()
    first = producer(draft, "float")
    norm = draft.emit("norm", "affine", [first], {}, {"scale": floats(4)})
    draft.output = draft.emit("sum", "add", [first, norm])
    assert fold_affine(draft) == []
    draft = Draft()
    draft.output = draft.emit("norm", "affine", [producer(draft, "float")], {}, {"scale": floats(5, 5, 4)})
    assert fold_affine(draft) == []
    draft = Draft()
    draft.output = draft.emit("norm", "affine", [producer(draft, "float")], {}, {"scale": floats(4)})
    assert fold_affine(draft, into_float=False) == []
    draft = Draft()
    draft.output = draft.emit("norm", "affine", [producer(draft, "affine")], {}, {"scale": floats(4)})
    assert fold_affine(draft) == []
    for kind, (size, scale) in product(("float", "binary"), ((1e10, 1e30), (1e-10, 1e-35))):
        draft = Draft()
        first = producer(draft, kind)
        draft.nodes[-1].tensors["weight" if kind == "float" else "scale"][:] = size
        draft.output = draft.emit("norm", "affine", [first], {}, {"scale": np.full(4, scale, np.float32)})
        assert fold_affine(draft) == [], "out of float32's range"


@pytest.mark.parametrize("kind", ["float", "binary weight", "binary"])
def test_biases_that_cancel_stay_apart(kind: str) -> None:
    draft = Draft()
    first = producer(draft, kind)
    big = np.full(4, 4096, np.float32)
    draft.nodes[-1].tensors["bias"][:] = big
    draft.output = draft.emit("norm", "affine", [first], {}, {"scale": floats(4), "bias": floats(4)})
    norm = draft.nodes[-1].tensors
    norm["bias"][:] = -big * norm["scale"]
    draft.origins = {"layer": origin("before"), "norm": origin("after")}
    assert fold_affine(draft) == []
    assert draft.origins["layer"].name == "before"


def test_share_nodes() -> None:
    draft = Draft()
    tensors = {"threshold": floats(2), "flip": np.zeros(2, np.uint8)}
    layers = []
    for index in range(2):
        sign = draft.emit(f"sign{index}", "pack", [INPUT], {}, tensors)
        weight = {"weight": np.packbits(floats(4, 18) < 0, axis=1, bitorder="little"), "scale": floats(4)}
        weight["bias"] = floats(4)
        layers.append(draft.emit(f"conv{index}", "binary_conv2d", [sign], {**CONV, "epilogue": "float"}, weight))
    draft.output = draft.emit("sum", "add", layers)
    draft.origins = {node.name: origin(node.name) for node in draft.nodes}
    before = run(draft)
    assert share_nodes(draft) == ["'sign1' is 'sign0' (pack)"]
    assert [node.inputs for node in draft.nodes if node.op == "binary_conv2d"] == [("sign0",)] * 2
    assert np.array_equal(run(draft), before)


def test_drop_identities_and_unread() -> None:
    draft = Draft()
    first = producer(draft, "float")
    one = draft.emit("one", "affine", [first], {}, {"scale": np.ones(4, np.float32), "bias": np.zeros(4, np.float32)})
    draft.output = draft.emit("open", "clip", [one], {"min": None, "max": None})
    draft.emit("alone", "clip", [first], {"min": 0.0, "max": None})
    draft.origins = {"layer": origin("layer"), "one": origin("one"), "open": origin("open"), "alone": origin("alone")}
    before = run(Draft([n for n in draft.nodes if n.name != "alone"], draft.output))
    assert drop_identities(draft) == ["'one' (affine)", "'open' (clip)"]
    assert drop_unread(draft) == ["'alone' (clip)"]
    assert [node.name for node in draft.nodes] == ["layer"]
    assert {name: value.name for name, value in draft.origins.items()} == {"layer": "layer"}
    assert np.array_equal(run(draft), before)


def test_half_weights_takes_only_what_loses_nothing() -> None:
    draft = Draft()
    weight = floats(4, 3, 3, 2).astype(np.float16).astype(np.float32)
    bias = np.float32([0.1, 0.2, 0.3, 0.4])
    draft.output = draft.emit("layer", "float_conv2d", [INPUT], CONV, {"weight": weight, "bias": bias})
    before = run(draft)
    assert half_weights(draft) == ["'layer' weight: 144 bytes"]
    assert draft.nodes[0].tensors["weight"].dtype == np.float16
    assert draft.nodes[0].tensors["bias"].dtype == np.float32
    assert np.array_equal(run(draft), before)
