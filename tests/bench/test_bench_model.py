"""Whole networks: fields of the rows, agreement of every engine with PyTorch, the ideal time."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_peers import FAULTS, KINDS, REAL_FAULTS, fake_call, fake_engines

from xnorkit import runtime
from xnorkit.bench import model
from xnorkit.bench.machine import adds_bytes_exactly
from xnorkit.bench.model import bench_model
from xnorkit.bench.peaks import Limits
from xnorkit.bench.profile import ideal_us, layer_ideal_us
from xnorkit.bench.roofline import draw_steps
from xnorkit.bench.subjects import load_subject
from xnorkit.bench.tables import model_tables, step_tables
from xnorkit.errors import EngineError, InputError
from xnorkit.format import Graph, InputSpec, Node, summarize, write

torch = pytest.importorskip("torch")
Twin = pytest.importorskip("xnorkit.bench.twin").Twin
FIELDS = {
    *("model", "engine", "threads", "batch", "median_us", "min_us", "ideal_us", "file_bytes", "cores"),
    *("relative_error", "quartiles_us", "isa", "steps", "fault", "remark"),
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


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peers are those of `fake_peers`."""
    monkeypatch.setattr(model, "MODEL_ENGINES", fake_engines(KINDS))
    monkeypatch.setattr(Twin, "call", lambda self, engine, images, threads: fake_call(engine.name, self.answer(images)))
    monkeypatch.setattr(Twin, "file_bytes", lambda self, engine: 1000)


@pytest.mark.usefixtures("fakes")
def test_a_peers_fault_is_a_row_and_the_others_are_measured() -> None:
    rows = bench_model("lenet5", seconds=0.01, batch=(1, 2), against=("fake",))
    assert [(row.batch, row.engine) for row in rows] == [
        (batch, engine) for batch in (1, 2) for engine in ("xnorkit", *(f"{kind}_f32" for kind in KINDS))
    ]
    for own, right, *faulty in (rows[: len(KINDS) + 1], rows[len(KINDS) + 1 :]):
        assert own.fault is right.fault is None
        assert min(own.median_us, right.median_us) > 0
        assert right.relative_error == 0.0
        for row, beginning in zip(faulty, FAULTS.values(), strict=True):
            assert row.fault.startswith(beginning)
            assert "\n" not in row.fault
            assert (row.median_us, row.min_us, row.quartiles_us, row.file_bytes, row.cores) == (None,) * 5
    json.dumps([row.to_json() for row in rows], allow_nan=False)


@pytest.mark.usefixtures("fakes")
def test_a_fault_of_xnorkits_own_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.Model, "__call__", lambda self, images: np.ones((len(images), 10), np.float32))
    with pytest.raises(EngineError, match="the packed 'lenet5' differs from the trained model"):
        bench_model("lenet5", seconds=0.01, against=("fake",))


@pytest.mark.parametrize("family", ["onnxruntime", "openvino"])
def test_real_peers_agree_with_pytorch_or_have_a_fault_of_their_own(family: str) -> None:
    for module in (family, "onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason=f"{family} is a peer of the bench extra")
    rows = bench_model("lenet5", seconds=0.01, against=(family,))
    assert [row.engine for row in rows] == ["xnorkit", f"{family}_f32", f"{family}_int8"]
    # An engine may have a fault of its own on a processor; what it is given is right by test_onnx_graphs.
    assert all(row.fault is None or row.fault.startswith(REAL_FAULTS) for row in rows)
    full, int8 = rows[1:]
    if not full.fault:
        assert full.relative_error < 1e-3
    if not int8.fault:
        assert 1e-4 < int8.relative_error < 0.25, "8 bits are not exact, and not far off"
        assert (int8.remark is None) is adds_bytes_exactly(holdable=family == "openvino")
    if not (full.fault or int8.fault):
        assert full.file_bytes > 3 * int8.file_bytes


def test_a_packed_file_is_measured_alone_or_against_its_name(tmp_path: Path) -> None:
    subject = load_subject("lenet5")
    path = tmp_path / "model.xnor"
    write(path, subject.graph)
    assert subject.file_bytes == path.stat().st_size
    rows = bench_model(str(path), seconds=0.01, against=("torch_f32",))
    assert [(row.model, row.engine) for row in rows] == [("lenet5", "xnorkit"), ("lenet5", "torch_f32")]
    assert rows[0].relative_error is None


def test_a_file_of_unknown_architecture_has_no_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.xnor"
    weight, bias = np.ones((2, 2, 2, 1), np.float32), np.zeros(2, np.float32)
    linear = Node("last", "float_linear", ("input",), {"out_features": 2}, {"weight": weight, "bias": bias})
    write(path, Graph("own", InputSpec((1, 2, 2)), (linear,), "last"))
    notes: list[str] = []
    rows = bench_model(str(path), seconds=0.01, note=notes.append)
    assert [row.engine for row in rows] == ["xnorkit"]
    assert any("no peers: 'own' is not a name of `xnorkit models`" in line for line in notes)
    own, peer = bench_model(str(path), seconds=0.01, against=("torch",))
    assert (own.engine, own.fault, peer.engine) == ("xnorkit", None, "torch_f32")
    assert peer.fault == "'own' is not a name of `xnorkit models`, so its float twin is unknown"
    monkeypatch.setattr(model, "find_spec", lambda name: None)
    _, peer = bench_model(str(path), seconds=0.01, against=("torch",))
    assert peer.fault == "PyTorch, which runs the float twin, is not installed; pip install 'xnorkit[bench]'"


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="against 'nothing', but it must be any of all, torch, torch-compile"):
        bench_model("lenet5", against=("nothing",))
    with pytest.raises(InputError, match=r"batch=\[0\]"):
        bench_model("lenet5", batch=(0,))
    with pytest.raises(InputError, match=r"--binarization xnor needs a model by name"):
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
