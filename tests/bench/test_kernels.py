"""Single layers: fields and arithmetic of the rows; a peer's fault is a reason, our own is an error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fake_peers import FAULTS, KINDS, REAL_FAULTS, fake_call, fake_engines

from xnorkit import _engine
from xnorkit.bench import kernels
from xnorkit.bench.engines import KERNEL_ENGINES, Engine
from xnorkit.bench.kernels import BINARY_PEERS, bench_kernel, bench_kernels
from xnorkit.bench.layer_case import LayerCase
from xnorkit.bench.shapes import parse_shape
from xnorkit.errors import EngineError, InputError

FIELDS = {
    *("op", "shape", "isa", "threads", "us", "min_us", "gmacs", "peak_gmacs", "fraction_of_peak", "bytes", "float_us"),
    *("float_nhwc_us", "float_min_us", "float_nhwc_min_us", "peers_us", "peers_min_us", "quartiles_us"),
    *("peer_faults", "peer_remarks"),
}
TEXTS = ("3x3 16->24@9x9", "3x3 64@8x8 s2", "1x1 40->8@5x5", "linear 128->64", "float 3x3 5->7@6x6")


def test_binary_row() -> None:
    shape = parse_shape("3x3 64@14x14")
    row = bench_kernel(shape, seconds=0.05, against=("torch",)).to_json()
    assert set(row) == FIELDS
    assert (row["op"], row["shape"], row["bytes"]) == ("binary_conv2d", "3x3 64@14x14", shape.bytes)
    assert row["peers_us"]["torch_f32"] > 0
    assert row["gmacs"] == pytest.approx(shape.macs / row["us"] / 1e3)
    assert 0 < row["fraction_of_peak"] == pytest.approx(row["gmacs"] / row["peak_gmacs"])
    assert row["us"] >= row["min_us"] > 0
    assert row["float_us"] >= row["float_min_us"] > 0
    assert row["float_nhwc_us"] >= row["float_nhwc_min_us"] > 0


def test_float_row() -> None:
    row = bench_kernel(parse_shape("float 3x3 3->16@8x8"), seconds=0.02, against=()).to_json()
    assert (row["op"], row["float_us"], row["peers_us"]) == ("float_conv2d", None, {})
    assert row["fraction_of_peak"] < 1


def test_one_row_per_threads_and_shape() -> None:
    shapes = [parse_shape("linear 64->32"), parse_shape("3x3 8@5x5")]
    rows = bench_kernels(shapes, threads=(1, 2), seconds=0.01, against=())
    assert [(row.shape, row.threads) for row in rows] == [
        *(("linear 64->32", 1), ("3x3 8@5x5", 1), ("linear 64->32", 2), ("3x3 8@5x5", 2))
    ]


def test_answer_of_the_case_is_the_convolution() -> None:
    torch = pytest.importorskip("torch")
    for text in ("3x3 40->24@7x6 s2", "5x5 3->8@9x9 valid", "float 3x3 5->7@6x6", "linear 70->9"):
        case = LayerCase(parse_shape(text))
        shape = case.shape
        dots = torch.nn.functional.conv2d(
            torch.from_numpy(case.x), torch.from_numpy(case.weight), None, shape.stride, shape.padding[:2]
        ).numpy()
        scale = case.scale if shape.binary else np.ones(shape.out_channels, np.float32)
        expected = dots * scale.reshape(1, -1, 1, 1) + case.bias.reshape(1, -1, 1, 1)
        np.testing.assert_allclose(case.answer, expected, atol=2e-5)
        if shape.binary:
            bits = np.unpackbits(case.answer_bits.view(np.uint8), axis=-1, bitorder="little")[..., : shape.out_channels]
            np.testing.assert_array_equal(bits.transpose(0, 3, 1, 2), dots < case.threshold.reshape(1, -1, 1, 1))


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peers are those of `fake_peers`."""

    def build(engine: Engine, case: LayerCase, threads: int) -> Callable[[], Any]:
        column = (1, -1, 1, 1)
        sums = (case.answer - case.bias.reshape(column)) / case.scale.reshape(column)
        return fake_call(engine.name, sums if case.shape.binary else case.answer)

    monkeypatch.setattr(kernels, "KERNEL_ENGINES", fake_engines(KINDS))
    monkeypatch.setattr(kernels, "_build", build)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.usefixtures("fakes")
def test_a_peers_fault_is_a_reason_and_the_others_are_measured(text: str) -> None:
    row = bench_kernel(parse_shape(text), seconds=0.05, against=("fake",))
    assert set(row.peers_us) == set(row.peers_min_us) == {f"{kind}_f32" for kind in KINDS}
    assert row.peers_us["right_f32"] >= row.peers_min_us["right_f32"] > 0
    assert set(row.peer_faults) == {f"{kind}_f32" for kind in FAULTS}
    for kind, beginning in FAULTS.items():
        name = f"{kind}_f32"
        assert (row.peers_us[name], row.peers_min_us[name]) == (None, None)
        assert row.peer_faults[name].startswith(beginning)
        assert "\n" not in row.peer_faults[name]


@pytest.mark.usefixtures("fakes")
def test_a_fault_of_xnorkits_own_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LayerCase, "answer_bits", np.zeros((1, 1), np.uint32))
    with pytest.raises(EngineError, match=r"isa .* does not return the reference's answer"):
        bench_kernel(parse_shape("3x3 8@5x5"), seconds=0.01, against=("fake",))


@pytest.mark.usefixtures("fakes")
def test_all_leaves_out_what_is_not_installed() -> None:
    notes: list[str] = []
    row = bench_kernel(parse_shape("3x3 8@5x5"), seconds=0.01, against=("all",), note=notes.append)
    assert set(row.peers_us) == {f"{kind}_f32" for kind in KINDS} - {"missing_f32"}
    assert notes == ["fake: no_such_module is not installed; pip install 'xnorkit[bench]'"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("engine", KERNEL_ENGINES, ids=lambda engine: engine.name)
def test_every_real_peer_is_measured_or_has_a_fault_of_its_own(engine: Engine, text: str) -> None:
    # What we give to ONNX's engines is right by test_onnx_graphs; whether they compute it rightly here is their affair.
    for module in engine.needs:
        pytest.importorskip(module, reason=f"{engine.name} is a peer of the bench extra")
    row = bench_kernel(parse_shape(text), seconds=0.001, against=(engine.name,))
    if engine.name in BINARY_PEERS and text.startswith("float"):
        assert (row.peers_us, row.peer_faults) == ({}, {})
    elif engine.name in row.peer_faults:
        assert row.peers_us == {engine.name: None}
        assert row.peer_faults[engine.name].startswith(REAL_FAULTS)
    else:
        assert row.peers_us[engine.name] >= 0  # OpenVINO's profiler counts whole microseconds


@pytest.mark.parametrize(
    ("text", "reason"), [("3x3 12->8@5x5", "no multiple of 8: 12 in, 8 out"), ("3x3 64@5x5 g2", "no groups")]
)
def test_openvino_says_what_it_computes_wrongly(text: str, reason: str) -> None:
    pytest.importorskip("openvino", reason="a peer of the bench extra")
    row = bench_kernel(parse_shape(text), seconds=0.001, against=BINARY_PEERS)
    for name in BINARY_PEERS:
        assert row.peers_us[name] is None
        assert reason in row.peer_faults[name]


def test_unknown_isa() -> None:
    with pytest.raises(InputError, match=r"isa 'sse9', but this CPU and build have"):
        bench_kernel(parse_shape("3x3 8@5x5"), isa="sse9", against=())
    assert "sse9" not in _engine.isas()
