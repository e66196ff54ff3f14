"""The demo's report: every figure in its text comes from the numbers that were measured."""

from pathlib import Path

import pytest

from xnorkit.app.demo import _beginning, _result
from xnorkit.app.export import ExportResult
from xnorkit.export import LayerProof, Proof


@pytest.fixture
def proof() -> Proof:
    layers = [LayerProof("a", 10, 10, 4, 4), LayerProof("b", 1000, 1000, 6, 6)]
    return Proof(20, layers, 5000, {"a": 1, "b": 2}, [], 19, 0.25)


def test_sentence(proof: Proof) -> None:
    sentence = ExportResult(Path("x"), 1, 2, proof).sentence
    assert "all 1,010 integers and all 10 outputs of 2 steps equal" in sentence
    assert "3 of 5,000 signs flipped" in sentence
    assert "19 of 20 predictions equal" in sentence
    assert "0.25" in sentence


def test_sentence_admits_a_difference(proof: Proof) -> None:
    proof.layers[1].integers_equal = 998
    assert "1,008 of 1,010 integers" in ExportResult(Path("x"), 1, 2, proof).sentence


def test_sentence_of_a_network_without_bits() -> None:
    sentence = ExportResult(Path("x"), 1, 2, Proof(20, [], 0, {}, [], 20, 0.25)).sentence
    assert sentence == "no layer reads or returns bits; 20 of 20 predictions equal, largest logit difference 0.25"


def test_rows(proof: Proof) -> None:
    figures = {
        "split": "held-out",
        "images": 360,
        "float": {"top1": 0.99, "bytes": 1_720_000, "seconds": 10.0},
        "xnor": {"top1": 0.98, "bytes": 86_000, "seconds": 12.5},
        "median_us": {"torch_f32": 150.0, "xnorkit": 30.0},
        "isa": "avx2",
    }
    result = _result(figures, ExportResult(Path("x"), 86_000, 1_720_000, proof), Path("demo.md"))
    text = "\n".join(" | ".join(row) for row in result.rows)
    for part in ("360 images", "99.00%", "98.00%", "1,720.0 KB", "86.0 KB", "20.0x smaller", "12.5 s", "5.0x faster"):
        assert part in text
    assert "avx2" in result.notes["conditions"]
    assert result.notes["conditions"].startswith("latency: "), "training was not interleaved"


def test_a_second_demo_says_that_it_trains_again(tmp_path: Path) -> None:
    assert _beginning("x", tmp_path) == "training x"
    (tmp_path / "last.ckpt").touch()
    assert _beginning("x", tmp_path) == f"training x again: the run in {tmp_path} is replaced"
