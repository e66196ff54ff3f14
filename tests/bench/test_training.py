"""Training steps: fields of the rows, memory that cannot be less, what is refused."""

import os
from typing import Any

import pytest

from xnorkit import _engine
from xnorkit.bench.held import bench_products_held, bench_training_held
from xnorkit.bench.products import PRODUCTS, ProductResult, bench_products
from xnorkit.bench.tables import product_tables, training_tables
from xnorkit.bench.training import PATHS, TrainingResult, bench_training
from xnorkit.cli.main import main
from xnorkit.errors import EngineError, InputError

needs_avx2 = pytest.mark.skipif("avx2" not in _engine.isas(), reason="this CPU or build has no AVX2")
ADAM_MIB = 4 * 431_220 * 4 / 2**20  # LeNet-5: parameters, gradients, two numbers of Adam per parameter, in float32
SHAPE = "3x3 16->8@5x5"


@pytest.fixture(scope="module")
def rows() -> list[TrainingResult]:
    return bench_training("lenet5", batch=4, seconds=0.05)


def test_rows(rows: list[TrainingResult]) -> None:
    assert [(row.threads, row.path) for row in rows] == [(1, path) for path in PATHS]
    fields = {"model", "binarization", "path", "device", "threads", "batch", "step_ms", "quartiles_ms", "over_float"}
    fields |= {"min_ms", "saved_mib", "peak_mib", "state_mib", "isa", "machine"}
    assert all(set(row.to_json()) == fields for row in rows)
    assert {row.binarization for row in rows} == {"xnor"}
    assert all(row.step_ms > 0 for row in rows)
    assert [row.over_float for row in rows if row.path == "float"] == [1.0]
    assert {row.isa for row in rows if row.path == "packed"} == {_engine.default_isa()}
    assert set(rows[0].machine) == {"cpu", "cores", "os", "python", "versions"}


def test_memory(rows: list[TrainingResult]) -> None:
    for row in rows:
        assert row.state_mib >= ADAM_MIB
        # Gradients exist at the end of a step, beside all that existed before.
        assert row.peak_mib >= row.state_mib
        assert 0 < row.saved_mib < row.peak_mib
    saved = {row.path: row.saved_mib for row in rows}
    assert saved["packed"] < saved["simulated"]
    assert saved["packed"] < saved["bnn-style"]


def test_packed_signs_take_two_bits() -> None:
    """What grows with the batch: of NIN's binary layers two bits per activation, where the simulation keeps floats."""

    def growth(path: str) -> float:
        small, large = (bench_training("nin-cifar10", paths=(path,), batch=n, seconds=0.01)[0] for n in (1, 2))
        return large.saved_mib - small.saved_mib

    # 7 binary layers; 32 * 32 * (192 + 160), 16 * 16 * (96 + 192 + 192), 8 * 8 * (192 + 192) activations.
    activations = 1024 * (192 + 160) + 256 * (96 + 192 + 192) + 64 * (192 + 192)
    assert growth("simulated") - growth("packed") > activations * 4 * 0.9 / 2**20


def test_chosen_paths_alone_without_a_ratio() -> None:
    options: dict[str, Any] = {"paths": ("simulated",), "binarization": "xnor-k", "threads": (1, 2)}
    rows = bench_training("lenet5", batch=2, seconds=0.01, **options)
    assert [(row.path, row.threads) for row in rows] == [("simulated", 1), ("simulated", 2)]
    assert {(row.over_float, row.binarization, row.isa) for row in rows} == {(None, "xnor-k", None)}


def test_a_path_that_a_model_cannot_take() -> None:
    """Float activations: nothing trains on bits. By name it is refused, else left out with the reason."""
    notes: list[str] = []
    rows = bench_training("lenet5", batch=2, seconds=0.01, binarization="bwn", note=notes.append)
    assert [row.path for row in rows] == [path for path in PATHS if path != "packed"]
    assert len(notes) == 1
    assert "packed: path packed of 'lenet5': no layer trains on bits" in notes[0]
    with pytest.raises(InputError, match=r"no layer trains on bits .* but at least one must"):
        bench_training("lenet5", paths=("packed",), batch=2, binarization="bwn")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "nothing"}, "device 'nothing' is not available"),
        ({"paths": ("fast",)}, "path 'fast', but it must be any of float, simulated, packed, binop, bnn-style"),
        ({"batch": 0}, r"batch=0, threads=\[1\], but all must be at least 1"),
        ({"threads": ()}, r"threads=\[\], but"),
        ({"threads": (0,)}, "threads=0, but it must be an integer from 1 to"),
        ({"binarization": "float"}, "binarization 'float' has no binary layers, .* Choose one of xnor"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bench_training("lenet5", **options)


def test_the_environment_stays(rows: list[TrainingResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_TRAIN", "auto")
    bench_training("lenet5", paths=("packed",), batch=2, seconds=0.01)
    assert os.environ["XNORKIT_TRAIN"] == "auto"
    monkeypatch.delenv("XNORKIT_TRAIN")
    bench_training("lenet5", paths=("packed",), batch=2, seconds=0.01)
    assert "XNORKIT_TRAIN" not in os.environ


@needs_avx2
def test_isa_holds_the_engine_and_pytorch() -> None:
    rows = bench_training_held("lenet5", isa="avx2", paths=("float", "packed"), batch=2, seconds=0.01)
    assert [(row.path, row.isa) for row in rows] == [("float", "avx2"), ("packed", "avx2")]
    with pytest.raises(InputError, match="path 'fast', but it must be"):
        bench_training_held("lenet5", isa="avx2", paths=("fast",))
    products = bench_products_held(isa="avx2", shapes=[SHAPE], batch=2, seconds=0.01)
    assert {(row.isa, row.float_isa) for row in products} == {("avx2", "avx2")}


def test_an_unknown_isa() -> None:
    with pytest.raises(InputError, match="isa 'sse9', but this CPU and build have"):
        bench_training_held("lenet5", isa="sse9")


def test_products() -> None:
    rows = bench_products([SHAPE], batch=3, threads=(1, 2), seconds=0.01)
    assert [(row.threads, row.product) for row in rows] == [(n, p) for n in (1, 2) for p in ("pack", *PRODUCTS)]
    pack, forward, *_ = rows
    assert (pack.gmacs, pack.float_ms, pack.float_over_bits) == (None, None, None)
    # 5 x 5 outputs of 3 x 3 taps, of which 13 of 15 per axis are inside.
    macs = 13 * 13 * 16 * 8 * 3
    assert forward.gmacs == pytest.approx(macs / forward.ms / 1e6)
    assert all(row.ms > 0 for row in rows)
    assert all(row.isa == _engine.default_isa() for row in rows)


def test_products_that_are_off_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engine, "sign_conv_weight_gradient", lambda *arguments: arguments[3].fill(1e6))
    with pytest.raises(EngineError, match="the weight gradient differs from PyTorch's by more than its rounding"):
        bench_products([SHAPE], batch=1, seconds=0.01)
    with pytest.raises(InputError, match="batch=0"):
        bench_products([SHAPE], batch=0)


def test_tables_fit_80_columns(rows: list[TrainingResult], capsys: pytest.CaptureFixture[str]) -> None:
    from xnorkit.cli.output import print_table

    products: list[ProductResult] = bench_products(["3x3 16@8x8"], batch=2, seconds=0.01)
    for table in [*training_tables(rows), *product_tables(products)]:
        print_table(*table)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "bnn-style" in text
    assert "weight gradient" in text


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "training", "lenet5", "--batch", "2", "--seconds", "0.01"]
    assert main([*words, "--paths", "none"]) == 2
    assert "--paths is none, but it must name at least one path" in capsys.readouterr().err
    assert main([*words, "--paths", "float,quick"]) == 2
    assert "path 'quick', but it must be" in capsys.readouterr().err
    assert main([*words, "--paths", "float,packed"]) == 0
    assert "Training step of lenet5 (xnor)" in capsys.readouterr().out
