"""A copy of the records names no folder of the machine it was measured on."""

from pathlib import Path

import pytest
from synthetic_records import Synthetic

from xnorkit.errors import InputError
from xnorkit.report.page.publish import _shortened, publish_records
from xnorkit.report.records import Store


@pytest.mark.parametrize(
    ("text", "shortened"),
    [
        (
            "xnorkit train lenet5 --output /home/me/studies/runs/lenet5-xnor",
            "xnorkit train lenet5 --output runs/lenet5-xnor",
        ),
        ("xnorkit export '/home/me/runs/x/last.ckpt' -o x.xnor", "xnorkit export 'x/last.ckpt' -o x.xnor"),
        ("xnorkit train nin --data DIR --output runs/nin", "xnorkit train nin --data DIR --output runs/nin"),
        ("xnorkit report --output /data/report --only peaks", "xnorkit report --output report --only peaks"),
        ("12 images/s, 3/4 done", "12 images/s, 3/4 done"),
    ],
)
def test_absolute_paths_keep_their_last_two_parts(text: str, shortened: str) -> None:
    assert _shortened(text) == shortened


def test_copies_hold_the_last_record_of_each_id_and_the_pictures(tmp_path: Path) -> None:
    study = Synthetic(tmp_path / "from")
    study.pictures()
    study.peaks(10.0)
    study.peaks(89.0)
    subject = {"dataset": "mnist", "model": "lenet5", "family": "xnor", "folder": "/home/me/runs/lenet5"}
    study.add("accuracy", "one", subject, {"top1": 0.9})
    for _ in range(2):
        publish_records(tmp_path / "from", tmp_path / "to")
    lines = (tmp_path / "to" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4 + 1 + 1
    assert "/home" not in "".join(lines)
    store = Store(tmp_path / "to")
    assert store.find("peaks")[0].values["fma_gmacs"] == 89.0
    assert store.find("accuracy")[0].subject["folder"] == "runs/lenet5"
    for record in store.find("picture"):
        name = str(record.subject["file"])
        assert (tmp_path / "to" / name).read_bytes() == (tmp_path / "from" / name).read_bytes()


def test_without_records_nothing_that_stands_there_is_lost(tmp_path: Path) -> None:
    Synthetic(tmp_path / "to").peaks()
    with pytest.raises(InputError, match="holds no records"):
        publish_records(tmp_path / "from", tmp_path / "to")
    assert len(Store(tmp_path / "to")) == 1
