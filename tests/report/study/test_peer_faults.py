"""A peer's fault is a record that was not run, with its reason; the other engines have theirs."""

from pathlib import Path
from typing import Any

import pytest
from fake_peers import FAULTS, fake_call, fake_engines

from xnorkit.bench import kernels as bench_kernels
from xnorkit.bench import model as bench_model
from xnorkit.report.records import Record
from xnorkit.report.study import PLANS, Study, kernels, timing
from xnorkit.report.study.plan import Inference

Twin = pytest.importorskip("xnorkit.bench.twin").Twin
SHAPE = "1x1 8@5x5"


def use(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    """Let the peers be these kinds of `fake_peers`."""
    engines = fake_engines(kinds)
    for module in (timing, bench_model):
        monkeypatch.setattr(module, "MODEL_ENGINES", engines)
    for module in (kernels, bench_kernels):
        monkeypatch.setattr(module, "KERNEL_ENGINES", engines)

    def layer(engine: Any, case: Any, threads: int) -> Any:
        return fake_call(engine.name, (case.answer - case.bias.reshape(1, -1, 1, 1)) / case.scale.reshape(1, -1, 1, 1))

    monkeypatch.setattr(bench_kernels, "_build", layer)
    monkeypatch.setattr(Twin, "call", lambda self, engine, images, threads: fake_call(engine.name, self.answer(images)))
    monkeypatch.setattr(Twin, "file_bytes", lambda self, engine: 1000)


def test_inference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "right", *FAULTS)
    notes: list[str] = []
    study = Study(PLANS["quick"], tmp_path, note=notes.append)
    names = [engine.name for engine in fake_engines(["right", *FAULTS])]
    step = timing.inference_step(study, Inference("lenet5", (1,), 0.01, 1.0), names)
    records = {str(record.subject["engine"]): record for record in step.measure() if record.subject["family"] != "bwn"}
    assert {record.id for record in records.values()} <= {record.id for record in step.blanks}
    assert records["right_f32"].values["median_us"] > 0
    for kind, beginning in FAULTS.items():
        record = records[f"{kind}_f32"]
        assert (record.status, record.values) == ("not run", {})
        assert record.reason.startswith(f"{kind}_f32: {beginning}")
        assert record.reason in notes


def sweep_point(tmp_path: Path) -> Record:
    study = Study(PLANS["quick"], tmp_path)
    (record,) = kernels.sweep_step(study, "filter", kernels.parse_shape(SHAPE)).measure()
    return record


def test_a_point_of_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "right", "wrong", "build")
    record = sweep_point(tmp_path)
    assert (record.status, record.subject["peer"]) == ("measured", "right_f32")
    assert str(record.subject["unmeasured"]).startswith("wrong_f32: wrong answer")
    assert "; build_f32: RuntimeError: no kernel" in str(record.subject["unmeasured"])
    use(monkeypatch, "right")
    assert "unmeasured" not in sweep_point(tmp_path).subject


def test_a_point_without_any_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "import")
    record = sweep_point(tmp_path)
    assert (record.status, record.values) == ("not run", {})
    assert record.reason == f"no float32 engine can be measured: import_f32: {FAULTS['import']}"
