"""Whole networks: fields of the rows, agreement of every engine with PyTorch, the ideal time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from xnorkit.bench.ideal import ideal_us, layer_ideal_us
from xnorkit.bench.model import bench_model
from xnorkit.bench.peaks import Limits
from xnorkit.bench.step_figure import draw_steps
from xnorkit.bench.subjects import load_subject
from xnorkit.bench.tables import model_tables, step_tables
from xnorkit.errors import InputError
from xnorkit.format import Graph, InputSpec, Node, summarize, write

torch = pytest.importorskip("torch")
FIELDS = {
    *("model", "engine", "threads", "batch", "median_us", "min_us", "ideal_us", "file_bytes", "cores"),
    *("relative_error", "quartiles_us", "isa", "steps"),
}


@pytest.fixture(autouse=True)
def _same_number_of_torch_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    assert torch.get_num_threads() == before


def test_rows() -> None:
    rows = bench_model("lenet5", seconds=0.05, batch=(1, 2), threads=(1, 2), against=("torch",))
    assert [(row.threads, row.batch, row.engine) for row in rows] == [
        (threads, batch, engine) for threads in (1, 2) for batch in (1, 2) for engine in ("xnorkit", "torch_f32")
    ]
    assert all(set(row.to_json()) == FIELDS for row in rows)
    assert 0 < rows[0].ideal_us < rows[0].median_us
    assert rows[1].ideal_us is None
    assert rows[1].file_bytes > 15 * rows[0].file_bytes
    assert rows[0].relative_error < 1e-5
    assert len(model_tables(rows)) == 4


@pytest.mark.parametrize("family", ["onnxruntime", "openvino"])
def test_peers_agree_with_pytorch(family: str) -> None:
    for module in (family, "onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason=f"{family} is a peer of the bench extra")
    rows = bench_model("lenet5", seconds=0.01, against=(family,))
    assert [row.engine for row in rows] == ["xnorkit", f"{family}_f32", f"{family}_int8"]
    assert rows[1].relative_error < 1e-4
    assert 1e-4 < rows[2].relative_error < 0.1, "8 bits are not exact, and not far off"
    assert rows[1].file_bytes > 3 * rows[2].file_bytes


def test_a_packed_file_is_measured_alone_or_against_its_name(tmp_path: Path) -> None:
    subject = load_subject("lenet5")
    path = tmp_path / "model.xnor"
    write(path, subject.graph)
    assert subject.file_bytes == path.stat().st_size
    rows = bench_model(str(path), seconds=0.01, against=("torch_f32",))
    assert [(row.model, row.engine) for row in rows] == [("lenet5", "xnorkit"), ("lenet5", "torch_f32")]
    assert rows[0].relative_error is None


def test_a_file_of_unknown_architecture_has_no_peers(tmp_path: Path) -> None:
    path = tmp_path / "own.xnor"
    weight, bias = np.ones((2, 2, 2, 1), np.float32), np.zeros(2, np.float32)
    linear = Node("last", "float_linear", ("input",), {"out_features": 2}, {"weight": weight, "bias": bias})
    write(path, Graph("own", InputSpec((1, 2, 2)), (linear,), "last"))
    notes: list[str] = []
    rows = bench_model(str(path), seconds=0.01, note=notes.append)
    assert [row.engine for row in rows] == ["xnorkit"]
    assert any("no peers: 'own' is no name of `xnorkit models`" in line for line in notes)
    with pytest.raises(InputError, match=r"--against torch_f32: 'own' is no name"):
        bench_model(str(path), seconds=0.01, against=("torch",))


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--against nothing; required: any of all, torch, torch-compile"):
        bench_model("lenet5", against=("nothing",))
    with pytest.raises(InputError, match=r"batch=\[0\]"):
        bench_model("lenet5", batch=(0,))
    with pytest.raises(InputError, match=r"--binarization xnor with a file"):
        load_subject(str(tmp_path / "model.xnor"), "xnor")


def test_ideal_time_is_the_slower_of_arithmetic_and_reading() -> None:
    graph = load_subject("lenet5").graph
    layers = summarize(graph).layers
    limits = Limits(binary_gmacs=1000, float_gmacs=10, read_gbs=1e9)
    total = summarize(graph).total
    arithmetic = total.macs_1bit / 1000 / 1e3 + total.macs_32bit / 10 / 1e3
    assert ideal_us(graph, limits, 1) == pytest.approx(arithmetic, rel=1e-3)
    assert ideal_us(graph, limits, 32) == pytest.approx(32 * arithmetic, rel=1e-3)
    slow = Limits(binary_gmacs=1e9, float_gmacs=1e9, read_gbs=0.5)
    assert layer_ideal_us(layers[-1], slow, 8) == pytest.approx(layers[-1].bytes / 0.5 / 1e3)


def test_steps_cover_the_network() -> None:
    (row,) = bench_model("lenet5", seconds=0.01, against=(), steps=True)
    assert row.steps is not None
    graph = load_subject("lenet5").graph
    assert sorted(name for step in row.steps for name in step.layers) == sorted(node.name for node in graph.nodes)
    assert sum(step.macs for step in row.steps) == sum(
        layer.macs_1bit + layer.macs_32bit for layer in summarize(graph).layers
    )
    assert sum(step.ideal_us for step in row.steps) == pytest.approx(row.ideal_us)
    assert row.to_json()["steps"][1]["us"] > 0
    assert len(step_tables([row])) == 1


def test_figure_of_the_steps(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the figure needs the report extra")
    first, second = bench_model("lenet5", seconds=0.01, against=("torch",), steps=True)
    draw_steps(first, tmp_path / "steps.svg")
    text = (tmp_path / "steps.svg").read_text()
    assert all(" + ".join(step.operations) in text for step in first.steps or [])
    with pytest.raises(InputError, match="has no steps"):
        draw_steps(second, tmp_path / "steps.svg")


def test_8_bit_ends_read_pixels() -> None:
    rows = bench_model("lenet5", seconds=0.01, against=("torch",), int8_ends=True)
    assert rows[0].relative_error == 0.0
    assert rows[1].engine == "torch_f32"
    assert load_subject("lenet5", int8_ends=True).graph.input.kind == "u8"
