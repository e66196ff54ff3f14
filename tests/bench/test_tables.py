"""Tables and the roofline figure."""

from dataclasses import replace
from pathlib import Path

import pytest

from xnorkit.bench.kernels import KernelResult
from xnorkit.bench.model import ModelResult
from xnorkit.bench.roofline import draw_kernels
from xnorkit.bench.tables import kernel_table, model_tables
from xnorkit.errors import InputError

ROW = KernelResult(
    op="binary_conv2d",
    shape="3x3 8@5x5",
    isa="portable",
    threads=1,
    us=10.0,
    min_us=9.0,
    gmacs=100.0,
    peak_gmacs=200.0,
    fraction_of_peak=0.5,
    bytes=64,
    quartiles_us=(9.5, 10.5),
    float_us=21.0,
    float_min_us=20.0,
    float_nhwc_us=17.0,
    float_nhwc_min_us=16.0,
    peers_us={"openvino_binary_node": 28.0, "torch_f32": 41.0, "openvino_binary_model_nhwc": 33.0},
    peers_min_us={"openvino_binary_node": 27.0, "torch_f32": 40.0, "openvino_binary_model_nhwc": 32.0},
)


def test_kernel_table_compares_like_with_like() -> None:
    title, columns, cells, notes = kernel_table(
        [ROW, replace(ROW, op="float_conv2d", float_min_us=None, float_nhwc_min_us=None)]
    )
    assert "portable" in title
    first, second = (dict(zip(columns, row, strict=True)) for row in cells)
    assert first["openvino bits"] == "27 (3.0x)"
    assert first["torch f32"] == "40 (2.0x)"
    assert first["openvino model nhwc"] == "32 (2.0x)"
    assert second["torch f32"] == "40 (4.4x)"
    assert (second["layer"], second["float"]) == ("float conv", "-")
    assert notes == []


def test_a_fault_and_a_remark_are_marks_with_notes() -> None:
    peers = {"openvino_binary_node": 28.0, "torch_f32": None, "onnxruntime_int8": 50.0}
    faulty = replace(
        ROW,
        peers_us=peers,
        peers_min_us=peers,
        peer_faults={"torch_f32": "wrong answer"},
        peer_remarks={"onnxruntime_int8": "weights of 7 bits"},
    )
    _, columns, cells, notes = kernel_table([faulty, replace(faulty, shape="3x3 9@5x5"), ROW])
    first, second, third = (dict(zip(columns, row, strict=True)) for row in cells)
    assert first["torch f32"] == second["torch f32"] == "- [1]"
    assert (first["onnxrt int8"], third["onnxrt int8"]) == ("50 (2.5x) [2]", "-")
    assert notes == ["[1] torch f32: not measured: wrong answer", "[2] onnxrt int8: weights of 7 bits"]


def test_a_network_with_a_fault_has_a_row_without_figures() -> None:
    own = ModelResult("net", "xnorkit", 1, 1, 10.0, 9.0, 5.0, 1000, 1.0, 0.0, (9.5, 10.5), "portable")
    wrong = ModelResult("net", "openvino_int8", 1, 1, isa="avx2", fault="wrong answer")
    other = replace(own, engine="onnxruntime_int8", median_us=30.0, ideal_us=None, isa=None, remark="weights of 7 bits")
    ((_, _, cells, notes),) = model_tables([own, other, wrong])
    assert cells[1][:3] == ["onnxruntime_int8 [1]", "3.00 (1.00)", "30.0"]
    assert cells[2] == ["openvino_int8 (avx2) [2]", *["-"] * 7]
    assert notes == ["[1] weights of 7 bits", "[2] not measured: wrong answer"]


def test_a_roof_has_no_point_of_a_peer_without_a_figure(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the figure needs the report extra")
    draw_kernels([replace(ROW, peers_us={"openvino_binary_node": None})], tmp_path / "roofline.svg")


def test_roofline_figure(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the figure needs the report extra")
    rows = [ROW, replace(ROW, op="float_conv2d", shape="1x1 9@5x5", peak_gmacs=20.0, gmacs=5.0)]
    for ending in ("svg", "png"):
        path = tmp_path / f"roofline.{ending}"
        draw_kernels(rows, path)
        assert path.stat().st_size > 5000
    text = (tmp_path / "roofline.svg").read_text()
    assert all(word in text for word in ("3x3 8@5x5", "1x1 9@5x5", "binary peak 200", "float peak 20"))
    with pytest.raises(InputError, match=r"roofline.txt, but the file must end in .svg"):
        draw_kernels(rows, tmp_path / "roofline.txt")
    with pytest.raises(InputError, match="cannot be written"):
        draw_kernels(rows, tmp_path / "missing" / "roofline.svg")
