"""Figures of `inspect`, against counts by hand and by brute force."""

import itertools

import numpy as np
import pytest
from handwritten import HandFile

from xnorkit.format import LayerSummary, Total, ValueSpec, summarize
from xnorkit.format.file import from_bytes, to_bytes
from xnorkit.format.geometry import Window, output_size, valid_taps

GRAPH = from_bytes(HandFile().to_bytes())


def test_layers_and_totals_by_hand() -> None:
    summary = summarize(GRAPH)
    assert summary.layers == (
        LayerSummary("conv", "float_conv2d", False, "first layer: reads the input", 32, 4, 0, 0, 32, 16),
        LayerSummary("sign", "pack", False, "has no weights", 0, 2, 0, 0, 0, 10),
        LayerSummary("pool", "max_pool_bits", False, "has no weights", 0, 0, 0, 0, 0, 2),
        LayerSummary("bconv", "binary_conv2d", True, "", 1, 27, 24, 0, 0, 18),
        LayerSummary("blin", "binary_linear", True, "", 1, 10, 6, 0, 0, 18),
        LayerSummary("relu", "clip", False, "has no weights", 0, 0, 0, 0, 0, 0),
        LayerSummary("fc", "float_linear", False, "last layer: its numbers are the answer", 32, 6, 0, 0, 4, 24),
    )
    size = len(to_bytes(GRAPH))
    assert summary.total == Total(
        packed_bytes=size, float_bytes=4 * 49, params=49, macs_1bit=30, macs_8bit=0, macs_32bit=36
    )
    assert summarize(GRAPH, packed_bytes=7).total.packed_bytes == 7


def test_json_has_the_fixed_field_names() -> None:
    values = summarize(GRAPH).to_json()
    assert set(values) == {"name", "input_shape", "input", "layers", "total", "metadata"}
    fields = ["name", "kind", "binary", "reason", "bits", "params", "macs_1bit", "macs_8bit", "macs_32bit", "bytes"]
    assert all(list(layer) == fields for layer in values["layers"])
    assert list(values["total"]) == ["packed_bytes", "float_bytes", "params", "macs_1bit", "macs_8bit", "macs_32bit"]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_valid_taps_by_brute_force(stride: int, dilation: int) -> None:
    for size, kernel, before, after in itertools.product((1, 2, 5), (1, 2, 3), (0, 1, 4), (0, 2, 3)):
        window = Window((kernel, 2), (stride, 1), (before, 1, after, 0), (dilation, 1))
        if dilation * (kernel - 1) + 1 > size + before + after:
            continue
        source = ValueSpec("bits", size, 3, 1)
        image = np.pad(np.ones((size, 3), np.int64), ((before, after), (1, 0)))
        height, width = output_size(window, source)
        taps = [
            image[y * stride : y * stride + dilation * (kernel - 1) + 1 : dilation, x : x + 2]
            for y, x in itertools.product(range(height), range(width))
        ]
        assert all(tap.shape == (kernel, 2) for tap in taps)
        assert valid_taps(window, source) == sum(int(tap.sum()) for tap in taps)
        assert (height * stride) + dilation * (kernel - 1) + 1 > size + before + after
