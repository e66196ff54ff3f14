"""Single layers: fields and arithmetic of the rows, and that every peer gives the reference's answer."""

import numpy as np
import pytest

from xnorkit import _engine
from xnorkit.bench import kernels
from xnorkit.bench.engines import KERNEL_ENGINES
from xnorkit.bench.kernels import bench_kernel, bench_kernels
from xnorkit.bench.layer_case import LayerCase
from xnorkit.bench.shapes import parse_shape
from xnorkit.errors import InputError

FIELDS = {
    *("op", "shape", "isa", "threads", "us", "min_us", "gmacs", "peak_gmacs", "fraction_of_peak", "bytes", "float_us"),
    *("float_nhwc_us", "float_min_us", "float_nhwc_min_us", "peers_us", "peers_min_us", "quartiles_us"),
}


def test_binary_row() -> None:
    shape = parse_shape("3x3 64@14x14")
    row = bench_kernel(shape, seconds=0.05, against=("torch",)).to_json()
    assert set(row) == FIELDS
    assert (row["op"], row["shape"], row["bytes"]) == ("binary_conv2d", "3x3 64@14x14", shape.bytes)
    assert row["peers_us"]["torch_f32"] > 0
    assert row["gmacs"] == pytest.approx(shape.macs / row["us"] / 1e3)
    assert 0 < row["fraction_of_peak"] == pytest.approx(row["gmacs"] / row["peak_gmacs"])
    assert min(row["float_us"], row["float_nhwc_us"]) > row["us"] >= row["min_us"]


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


@pytest.mark.parametrize("text", ["3x3 16->24@9x9", "3x3 64@8x8 s2", "1x1 40->8@5x5", "linear 128->64"])
@pytest.mark.parametrize("engine", KERNEL_ENGINES, ids=lambda engine: engine.name)
def test_every_peer_gives_the_reference_answer(engine: kernels.Engine, text: str) -> None:
    for module in engine.needs:
        pytest.importorskip(module, reason=f"{engine.name} is a peer of the bench extra")
    row = bench_kernel(parse_shape(text), seconds=0.001, against=(engine.name,))
    assert row.peers_us[engine.name] >= 0  # OpenVINO's profiler counts whole microseconds


def test_a_peer_with_a_wrong_answer_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        kernels, "_build", lambda name, case, threads: (lambda: case.answer + 1) if name == "torch_f32" else None
    )
    with pytest.raises(InputError, match=r"torch_f32 gives another answer for '3x3 8@5x5'"):
        bench_kernel(parse_shape("3x3 8@5x5"), seconds=0.01, against=("torch",))
    notes: list[str] = []
    row = bench_kernel(parse_shape("3x3 8@5x5"), seconds=0.01, against=("all",), note=notes.append)
    assert "torch_f32" not in row.peers_us
    assert any("torch_f32 gives another answer" in line for line in notes)


def test_openvino_leaves_out_what_it_computes_wrongly() -> None:
    pytest.importorskip("openvino", reason="a peer of the bench extra")
    row = bench_kernel(parse_shape("3x3 12->8@5x5"), seconds=0.001, against=("all",))
    assert "openvino_binary_node" not in row.peers_us


def test_unknown_isa() -> None:
    with pytest.raises(InputError, match=r"isa 'sse9'; required: one that this CPU and build have"):
        bench_kernel(parse_shape("3x3 8@5x5"), isa="sse9", against=())
    assert "sse9" not in _engine.isas()
