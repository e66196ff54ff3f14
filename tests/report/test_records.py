"""The store keeps what was measured through kills and power cuts, and refuses what is no record."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from xnorkit.errors import InputError
from xnorkit.report.records import Record, Store

RECORD = Record(
    "inference/lenet5/xnor/xnorkit/t1/b1",
    "inference",
    {"model": "lenet5", "engine": "xnorkit", "threads": 1},
    {"median_us": 10.5, "ideal_us": None, "curve": [1, 2.5]},
    {"median_us": [10.0, 11.0]},
    command="xnorkit bench model lenet5",
    conditions={"cpu": "a CPU", "seeds": [0], "busy": None},
)


def test_append_then_read(tmp_path: Path) -> None:
    Store(tmp_path / "new").append(RECORD)
    store = Store(tmp_path / "new")
    assert store.get(RECORD.id) == RECORD
    assert len(store) == 1
    assert store.done(RECORD.id)
    assert not store.done("another")
    assert store.get("another") is None


def test_a_later_line_replaces(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(replace(RECORD, values={}, spread={}, status="not run", reason="no time"))
    assert not store.done(RECORD.id)
    store.append(replace(RECORD, id="other"))
    store.append(RECORD)
    assert store.done(RECORD.id)
    assert [record.id for record in Store(tmp_path).find()] == ["other", RECORD.id]
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == 3


def test_find(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(RECORD)
    store.append(replace(RECORD, id="b", subject={**RECORD.subject, "threads": 2}))
    store.append(replace(RECORD, id="c", experiment="peaks", subject={"threads": 2}))
    assert [r.id for r in store.find("inference", model="lenet5", threads=2)] == ["b"]
    assert [r.id for r in store.find(threads=2)] == ["b", "c"]
    assert store.find("inference", family="xnor") == []


def test_a_torn_last_line_is_dropped_and_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    store.append(RECORD)
    store.append(replace(RECORD, id="torn"))
    path = tmp_path / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    store = Store(tmp_path)
    assert "the last line is torn" in capsys.readouterr().err
    assert [record.id for record in store.find()] == [RECORD.id]
    store.append(replace(RECORD, id="torn"))
    assert [record.id for record in Store(tmp_path).find()] == [RECORD.id, "torn"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", "", "id='', but it must be a name"),
        ("experiment", "speed", "experiment='speed', but it must be one of accuracy"),
        ("status", "done", "status='done', but it must be one of measured"),
        ("subject", {"model": ["lenet5"]}, "subject="),
        ("subject", {"model": None}, "subject="),
        ("values", {"us": "1"}, "values="),
        ("values", {"us": True}, "values="),
        ("values", {"us": float("nan")}, "values="),
        ("values", {}, "values={}, but it must be empty only if not run"),
        ("values", [1], "values="),
        ("spread", {"us": [1, 2, 3]}, "spread="),
        ("conditions", "idle", "conditions="),
        ("reason", None, "reason=None, but it must be text"),
    ],
)
def test_from_json_names_the_bad_field(field: str, value: object, message: str) -> None:
    with pytest.raises(InputError) as error:
        Record.from_json({**RECORD.to_json(), field: value})
    assert message in str(error.value)


def test_from_json_names_missing_and_unknown_fields() -> None:
    content = RECORD.to_json()
    with pytest.raises(InputError, match="has 'speed'"):
        Record.from_json({**content, "speed": 1})
    del content["spread"]
    with pytest.raises(InputError, match="has no 'spread'"):
        Record.from_json(content)
    with pytest.raises(InputError, match="it must be an object"):
        Record.from_json([1])


def test_a_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    Store(tmp_path).append(RECORD)
    path = tmp_path / "records.jsonl"
    with path.open("a") as file:
        file.write(json.dumps({**RECORD.to_json(), "experiment": "speed"}) + "\n")
    with pytest.raises(InputError, match=r"line 2: .*experiment='speed'"):
        Store(tmp_path)
    path.write_text("{]\n")
    with pytest.raises(InputError, match=r"line 1: .*Delete the line"):
        Store(tmp_path)
