"""What `xnorkit bench` prints of peers with faults: cells and reasons, valid JSON, exit code 0."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from fake_peers import FAULTS, fake_call, fake_engines

from xnorkit.bench import kernels, model
from xnorkit.cli.main import main

Twin = pytest.importorskip("xnorkit.bench.twin").Twin
LAYER = ("bench", "kernels", "--shapes", "float 3x3 5->7@6x6", "--against", "fake", "--seconds", "0.01")
NETWORK = ("bench", "model", "lenet5", "--against", "fake", "--seconds", "0.01")


@pytest.fixture(params=[[*FAULTS], ["right", *FAULTS]], ids=["all with faults", "one without"], autouse=True)
def kinds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of peers that there are."""
    for module, table in ((kernels, "KERNEL_ENGINES"), (model, "MODEL_ENGINES")):
        monkeypatch.setattr(module, table, fake_engines(request.param))
    monkeypatch.setattr(kernels, "_build", lambda engine, case, threads: fake_call(engine.name, case.answer))
    monkeypatch.setattr(Twin, "call", lambda self, engine, images, threads: fake_call(engine.name, self.answer(images)))
    monkeypatch.setattr(Twin, "file_bytes", lambda self, engine: 1000)
    return request.param


def printed(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", [LAYER, NETWORK], ids=["kernels", "model"])
def test_text_has_every_reason(capsys: pytest.CaptureFixture[str], kinds: list[str], command: Sequence[str]) -> None:
    text = " ".join(printed(capsys, command).split())
    assert all(f"{kind}_f32" in text for kind in kinds)
    for beginning in FAULTS.values():
        assert f"not measured: {beginning}" in text


def test_json_of_a_layer(capsys: pytest.CaptureFixture[str], kinds: list[str]) -> None:
    (row,) = json.loads(printed(capsys, [*LAYER, "--json"]), parse_constant=_refuse)
    assert [name for name, us in row["peers_us"].items() if us is not None] == ["right_f32"] * ("right" in kinds)
    assert set(row["peers_us"]) == {f"{kind}_f32" for kind in kinds}
    assert set(row["peer_faults"]) == {f"{kind}_f32" for kind in FAULTS}


def test_json_of_a_network(capsys: pytest.CaptureFixture[str], kinds: list[str]) -> None:
    own, *peers = json.loads(printed(capsys, [*NETWORK, "--json"]), parse_constant=_refuse)
    assert own["median_us"] > 0
    assert {row["engine"] for row in peers} == {f"{kind}_f32" for kind in kinds}
    for row in peers:
        assert (row["median_us"] is None) is (row["fault"] is not None) is (row["engine"] != "right_f32")


def _refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is no JSON")
