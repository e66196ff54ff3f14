"""Peers held to an instruction set, in a process whose environment says so."""

import os
from dataclasses import replace

import pytest

from xnorkit import _engine
from xnorkit.bench.engines import HOLD, MODEL_ENGINES
from xnorkit.bench.held import bench_model_held
from xnorkit.bench.tables import model_tables
from xnorkit.errors import InputError

torch = pytest.importorskip("torch")
needs_avx2 = pytest.mark.skipif("avx2" not in _engine.isas(), reason="this CPU or build has no AVX2")


@pytest.fixture(autouse=True)
def _not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HOLD["avx2"]:
        monkeypatch.delenv(name, raising=False)


def test_what_an_engine_is_held_to(monkeypatch: pytest.MonkeyPatch) -> None:
    torch_f32 = next(engine for engine in MODEL_ENGINES if engine.name == "torch_f32")
    onnxruntime = next(engine for engine in MODEL_ENGINES if engine.name == "onnxruntime_f32")
    assert torch_f32.held_to() is None
    for name, value in HOLD["avx2"].items():
        monkeypatch.setenv(name, value)
    assert (torch_f32.held_to(), onnxruntime.held_to()) == ("avx2", None)


@needs_avx2
def test_peers_run_in_a_process_that_holds_them() -> None:
    before = dict(os.environ)
    rows = bench_model_held("lenet5", isa="avx2", seconds=0.01, against=("torch_f32",), steps=True)
    assert dict(os.environ) == before
    assert [(row.engine, row.isa) for row in rows] == [("xnorkit", "avx2"), ("torch_f32", "avx2")]
    assert rows[0].steps is not None
    assert rows[0].steps[0].operations
    ((title, _, cells, _),) = model_tables(rows)
    assert "any:" not in title
    assert [row[0] for row in cells] == ["xnorkit (avx2)", "torch_f32 (avx2)"]
    ((title, _, cells, _),) = model_tables([rows[0], replace(rows[1], isa=None)])
    assert "any: this engine cannot be held" in title
    assert [row[0] for row in cells] == ["xnorkit (avx2)", "torch_f32 (any)"]


def test_without_a_hold_the_run_stays_here() -> None:
    (row,) = bench_model_held("lenet5", seconds=0.01, against=())
    assert row.isa == _engine.default_isa()
    rows = bench_model_held("lenet5", isa="portable", seconds=0.01, against=("torch_f32",))
    assert [row.isa for row in rows] == ["portable", None]


@needs_avx2
def test_a_mistake_comes_back_as_it_was() -> None:
    with pytest.raises(InputError, match="against 'nothing', but it must be any of all"):
        bench_model_held("lenet5", isa="avx2", against=("nothing",))
