"""The Python snippets of the README run as they stand."""

import re
from pathlib import Path

import pytest

from xnorkit.models import resnet18

README = Path(__file__).resolve().parents[1] / "README.md"


def test_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {"your_model": resnet18(10, block_type="prebasic", stem_type="cifar")}
    exec(first, names)
    assert (tmp_path / "model.xnor").stat().st_size < 86_000
    assert names["logits"].shape == (8, 10)
    exec(second, names)
    assert "layer4.1.conv2" in capsys.readouterr().out
