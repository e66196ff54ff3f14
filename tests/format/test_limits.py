"""A small file may not ask for hours and gigabytes: it is refused before anything is built, by the limit's name."""

import re
import time
import tracemalloc
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import HOSTILE, window

import xnorkit
from xnorkit.errors import FormatError, InputError
from xnorkit.format import Graph, InputSpec, Limits, Node, ValueSpec, check_limits, read, write
from xnorkit.format.operations import OPERATIONS
from xnorkit.runtime import Model, load
from xnorkit.zoo import list_pretrained


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_small_file_that_asks_for_much_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    limit, graph = HOSTILE[kind]
    path = tmp_path / "hostile.xnor"
    write(path, graph())
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(FormatError, match=rf"but the limit is [\d,]+\. If you trust .*Limits\({limit}=\d+\)\.$"):
        load(path)
    seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2 + path.stat().st_size / 1e6
    assert peak < 30 * path.stat().st_size + 2**22


def test_the_error_names_the_value_that_lets_the_file_in(tmp_path: Path) -> None:
    """Raising what each error names, one after the other, opens the file."""
    path = tmp_path / "wide.xnor"
    attributes = {**window(1), "padding": [5000, 0, 0, 0], "dilation": [1, 1]}
    write(path, Graph("wide", InputSpec((1, 4, 4)), (Node("y", "k_map", ("input",), attributes),), "y"))
    raised = {"work": 10, "plan": 10, "values": 10, "header": 10, "nodes": 1}
    for _ in range(len(fields(Limits)) + 1):
        try:
            graph = read(path, limits=Limits(**raised))
            break
        except FormatError as error:
            ((name, value),) = re.findall(r"Limits\((\w+)=(\d+)\)", str(error))
            assert int(value) > raised.get(name, 0)
            raised[name] = int(value)
    assert graph.nodes[0].name == "y"
    assert set(raised) == {"work", "plan", "values", "header", "nodes", "padding"}
    assert load(path, limits=Limits(**raised)).input_shape == (1, 4, 4)
    assert load(path, limits=None).input_shape == (1, 4, 4)


def test_a_graph_in_memory_is_its_owners(tmp_path: Path) -> None:
    """Limits are for files: what a program made itself may be written and run without."""
    attributes = {**window(1), "padding": [5000, 0, 0, 0], "dilation": [1, 1]}
    graph = Graph("wide", InputSpec((1, 4, 4)), (Node("y", "k_map", ("input",), attributes),), "y")
    write(tmp_path / "wide.xnor", graph)
    assert Model(graph)(np.zeros((1, 1, 4, 4), np.float32)).shape == (1, 1, 5004, 4)


@pytest.mark.parametrize("name", list_pretrained())
def test_the_trained_models_need_a_small_part_of_the_limits(name: str) -> None:
    part = Limits(**{field.name: getattr(Limits(), field.name) // 8 for field in fields(Limits)})
    assert load(name, limits=part).graph.nodes


def test_images_of_other_sizes_may_cost_more_in_proportion() -> None:
    attributes = {**window(3, 1), "dilation": [1, 1]}
    graph = Graph("any", InputSpec((1, 64, 64), dynamic=True), (Node("y", "k_map", ("input",), attributes),), "y")
    limits = Limits(values=50_000, work=2**23)
    model = Model(graph, limits=limits)
    for size in (16, 64, 65, 200):
        assert model(np.zeros((1, 1, size, size), np.float32)).shape == (1, 1, size, size)
    with pytest.raises(InputError, match=r"images of 1 x 1000000 do not fit.*but the limit is [\d,]+\..*Limits\("):
        Model(graph, limits=Limits(plan=10_000))(np.zeros((1, 1, 1, 10**6), np.float32))


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "1", None])
def test_limits_are_whole_numbers(wrong: object) -> None:
    for field in fields(Limits):
        with pytest.raises(InputError, match=f"^limit {field.name}={re.escape(repr(wrong))}, but it must be an"):
            Limits(**{field.name: wrong})  # type: ignore[arg-type]


def test_limits_are_public() -> None:
    assert xnorkit.Limits is Limits
    assert Limits() == Limits()
    with pytest.raises(AttributeError):
        Limits().work = 1  # type: ignore[misc]


class _Shapes:
    """A graph of shapes alone, with weights of which nothing but the size is true."""

    def __init__(self, channels: int, size: int) -> None:
        self.values = {"input": ValueSpec("f32", size, size, channels)}
        self.nodes: list[Node] = []

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op}{len(self.nodes)}"
        weight = {}
        if "conv" in op:
            shape = (attributes["out_channels"], *attributes["kernel"], attributes["in_channels"])
            weight = {"weight": np.broadcast_to(np.float16(0), shape)}
        self.nodes.append(Node(name, op, inputs, attributes, weight))
        sources = [self.values[source] for source in inputs]
        self.values[name] = OPERATIONS[op].plan(attributes, sources).output
        return name

    def conv(self, source: str, out: int, kernel: int, stride: int = 1) -> str:
        channels = self.values[source].channels
        size = {**window(kernel, kernel // 2), "stride": [stride] * 2, "dilation": [1, 1], "groups": 1}
        convolved = self.add("float_conv2d", source, **size, in_channels=channels, out_channels=out)
        return self.add("affine", convolved)


def test_a_float_resnet50_at_224_takes_less_than_the_defaults() -> None:
    shapes = _Shapes(3, 224)
    x = shapes.add("clip", shapes.conv("input", 64, 7, 2), min=0, max=None)
    x = shapes.add("max_pool", x, **{**window(3, 1), "stride": [2, 2]}, dilation=[1, 1])
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if block == 0 and stage else 1
            y = shapes.add("clip", shapes.conv(x, width, 1), min=0, max=None)
            y = shapes.add("clip", shapes.conv(y, width, 3, stride), min=0, max=None)
            short = shapes.conv(x, 4 * width, 1, stride) if block == 0 else x
            x = shapes.add("clip", shapes.add("add", shapes.conv(y, 4 * width, 1), short), min=0, max=None)
    graph = Graph("resnet50", InputSpec((3, 224, 224)), tuple(shapes.nodes), x)
    check_limits(graph, shapes.values, Limits())
    check_limits(graph, shapes.values, Limits(nodes=200, padding=3, values=2**25, plan=2**24, work=2**33))
