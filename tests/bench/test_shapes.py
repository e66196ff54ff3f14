"""Layer shapes: what their texts mean, and their multiply-adds."""

import itertools
import json
from pathlib import Path

import pytest

from xnorkit.bench.shapes import OPS, named_shapes, parse_shape, select_shapes
from xnorkit.errors import InputError


def brute_force_macs(kernel: int, channels: int, image: int) -> int:
    pad = (kernel - 1) // 2
    taps = 0
    for row, column, ky, kx in itertools.product(range(image), range(image), range(kernel), range(kernel)):
        taps += 0 <= row + ky - pad < image and 0 <= column + kx - pad < image
    return taps * channels * channels


def test_macs_count_valid_taps_only() -> None:
    assert parse_shape("3x3 64@7x7").macs == brute_force_macs(3, 64, 7)
    assert parse_shape("1x1 8->4@5x3").macs == 8 * 4 * 15
    assert parse_shape("5x5 20->50@12x12 valid").macs == 64 * 25 * 20 * 50
    assert parse_shape("2x2 3@4x4").out_image == (4, 4)
    assert parse_shape("3x3 8@7x7 g4").macs == brute_force_macs(3, 8, 7) // 4
    assert parse_shape("linear 800->500").macs == 400_000


def test_options() -> None:
    first = parse_shape("float 7x7 3->64@224x224 s2")
    assert (first.op, first.text) == ("float_conv2d", "7x7 3->64@224x224 s2")
    assert (first.out_image, first.padding, first.stride) == ((112, 112), (3, 3, 3, 3), 2)
    assert parse_shape("11x11 3->96@227x227 s4 valid").out_image == (55, 55)
    assert parse_shape("3x3 8@5x5 p2").out_image == (7, 7)
    assert (parse_shape("3x3 64@4x4").bytes, parse_shape("float linear 4->3").bytes) == (
        (64 * 16 * 2 + 9 * 64 * 64) // 8,
        4 * (4 + 3 + 12),
    )


def test_shipped_shapes() -> None:
    shapes = named_shapes()
    assert [s.text for s in shapes["resnet18"]][:4] == [
        *("3x3 64@56x56", "3x3 128@28x28", "3x3 256@14x14", "3x3 512@7x7")
    ]
    assert set(shapes) == {"resnet18", "resnet18-cifar10", "alexnet", "nin-cifar10", "lenet5", "reactnet-a"}
    assert {shape.op for layers in shapes.values() for shape in layers} == set(OPS.values())


def test_selection(tmp_path: Path) -> None:
    assert {s.op for s in select_shapes(["alexnet", "lenet5"], ["linear"])} == {"binary_linear"}
    assert [s.text for s in select_shapes(["3x3 8@5x5", "float 1x1 8@5x5"], ["linear"])] == ["3x3 8@5x5", "1x1 8@5x5"]
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"mine": ["linear 8->4", "float linear 4->2"]}))
    assert [s.text for s in select_shapes([str(file)], ["linear", "float_linear"])] == ["linear 8->4", "linear 4->2"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "3x3 64", "3x3 0@5x5", "7x7 3@5x5 valid", "3x3 64@7x7 other", "3x3 64@7x7 s2 s2", "3x3 64@7x7 s0"),
        *("3x3 6@7x7 g4", "3x3 64@7x7 same valid", "linear 0->4", "linear 4", "5x5 3@3x9 valid"),
    ],
)
def test_bad_shapes(text: str) -> None:
    with pytest.raises(InputError, match=r"shape"):
        parse_shape(text)


def test_bad_selections(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"op 'pool', but it must be any of conv, linear"):
        select_shapes(["resnet18"], ["pool"])
    with pytest.raises(InputError, match="shapes resnet18 hold no linear"):
        select_shapes(["resnet18"], ["linear"])
    with pytest.raises(InputError, match=r"shape 'resnet19', but it must be .* or one of resnet18"):
        select_shapes(["resnet19"], ["conv"])
    file = tmp_path / "own.json"
    with pytest.raises(InputError, match=r"own.json must be .* but reading it failed"):
        select_shapes([str(file)], ["conv"])
    file.write_text('["3x3 8@5x5"]')
    with pytest.raises(InputError, match=r"own.json must be .* but it holds something else"):
        select_shapes([str(file)], ["conv"])
