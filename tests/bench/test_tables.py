"""Tables and the roofline figure."""

from dataclasses import replace
from pathlib import Path

import pytest

from xnorkit.bench.kernels import KernelResult
from xnorkit.bench.roofline import draw_kernels
from xnorkit.bench.tables import kernel_table
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
    title, columns, cells = kernel_table(
        [ROW, replace(ROW, op="float_conv2d", float_min_us=None, float_nhwc_min_us=None)]
    )
    assert "portable" in title
    first, second = (dict(zip(columns, row, strict=True)) for row in cells)
    assert first["openvino bits"] == "27 (3.0x)"
    assert first["torch f32"] == "40 (2.0x)"
    assert first["openvino model nhwc"] == "32 (2.0x)"
    assert second["torch f32"] == "40 (4.4x)"
    assert (second["layer"], second["float"]) == ("float conv", "-")


def test_roofline_figure(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the figure needs the report extra")
    rows = [ROW, replace(ROW, op="float_conv2d", shape="1x1 9@5x5", peak_gmacs=20.0, gmacs=5.0)]
    for ending in ("svg", "png"):
        path = tmp_path / f"roofline.{ending}"
        draw_kernels(rows, path)
        assert path.stat().st_size > 5000
    text = (tmp_path / "roofline.svg").read_text()
    assert all(word in text for word in ("3x3 8@5x5", "1x1 9@5x5", "binary peak 200", "float peak 20"))
    with pytest.raises(InputError, match=r"roofline.txt; required: a file that ends in .svg"):
        draw_kernels(rows, tmp_path / "roofline.txt")
    with pytest.raises(InputError, match="cannot be written"):
        draw_kernels(rows, tmp_path / "missing" / "roofline.svg")
