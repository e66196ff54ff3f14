"""The benchmark's arithmetic and its output fields; no absolute times."""

import itertools
import time

import pytest

from xnorkit.bench.kernels import bench_kernel
from xnorkit.bench.model import bench_model
from xnorkit.bench.shapes import named_shapes, parse_shape
from xnorkit.bench.timing import interleaved
from xnorkit.bench.training import bench_training
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


def test_shipped_shapes() -> None:
    shapes = named_shapes()
    assert [s.text for s in shapes["resnet18"]] == ["3x3 64@56x56", "3x3 128@28x28", "3x3 256@14x14", "3x3 512@7x7"]


@pytest.mark.parametrize("text", ["", "3x3 64", "3x3 0@5x5", "7x7 3@5x5 valid", "3x3 64@7x7 other"])
def test_bad_shapes(text: str) -> None:
    with pytest.raises(InputError, match="shape"):
        parse_shape(text)


def test_interleaved_orders_by_time() -> None:
    times = interleaved({"slow": lambda: time.sleep(3e-3), "fast": lambda: time.sleep(5e-4)}, seconds=0.1)
    assert times["slow"].median_us > 2 * times["fast"].median_us
    assert 3000 <= times["slow"].min_us <= times["slow"].median_us
    assert times["slow"].samples == times["fast"].samples >= 15


def test_kernel_row() -> None:
    shape = parse_shape("3x3 64@14x14")
    row = bench_kernel(shape, seconds=0.05).to_json()
    assert set(row) == {"op", "shape", "isa", "threads", "us", "gmacs", "peak_gmacs", "fraction_of_peak", "peers_us"}
    assert row["peers_us"]["torch_f32"] > 0
    assert row["gmacs"] == pytest.approx(shape.macs / row["us"] / 1e3)
    assert 0 < row["fraction_of_peak"] == pytest.approx(row["gmacs"] / row["peak_gmacs"])


def test_model_rows() -> None:
    rows = [row.to_json() for row in bench_model("lenet5", seconds=0.05, batch=2)]
    assert [row["engine"] for row in rows] == ["xnorkit", "torch_f32"]
    fields = {"model", "engine", "threads", "batch", "median_us", "min_us", "ideal_us", "file_bytes"}
    assert all(set(row) == fields for row in rows)
    assert 0 < rows[0]["ideal_us"] < rows[0]["median_us"]
    assert rows[1]["file_bytes"] > 15 * rows[0]["file_bytes"]


def test_unknown_peer() -> None:
    with pytest.raises(InputError, match="--against nothing; required: any of torch"):
        bench_model("lenet5", against=("nothing",))


def test_training_rows() -> None:
    rows = [row.to_json() for row in bench_training("lenet5", batch=4, seconds=0.05)]
    assert [row["path"] for row in rows] == ["float", "simulated"]
    fields = {"model", "path", "device", "threads", "batch", "step_ms", "peak_mib"}
    assert all(set(row) == fields for row in rows)
    # Adam keeps two numbers per parameter, beside it and its gradient: 4 * 431,220 float32 at least.
    assert all(row["peak_mib"] > 4 * 431_220 * 4 / 2**20 for row in rows)
    assert all(row["step_ms"] > 0 for row in rows)


def test_training_on_an_unknown_device() -> None:
    with pytest.raises(InputError, match="device 'nothing' is not available"):
        bench_training("lenet5", device="nothing")
