"""A researcher's sweep: the script of docs/training.md, with a smaller grid and one epoch.

Where Optuna is not installed, a stand-in with the same calls tries every point of the grid.
"""

import itertools
import sys
import types
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from documents import blocks, section


class Trial:
    def __init__(self, number: int, params: dict[str, Any]) -> None:
        self.number, self.params = number, params

    def suggest_categorical(self, name: str, values: list[Any]) -> Any:
        assert self.params[name] in values
        return self.params[name]


class Study:
    def __init__(self, direction: str, sampler: dict[str, list[Any]]) -> None:
        assert direction == "maximize"
        self.grid = sampler

    def optimize(self, objective: Any) -> None:
        points = [dict(zip(self.grid, values, strict=True)) for values in itertools.product(*self.grid.values())]
        found = [(objective(Trial(number, point)), point) for number, point in enumerate(points)]
        self.best_value, self.best_params = max(found, key=lambda each: each[0])


def test_every_point_of_the_grid_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if find_spec("optuna") is None:
        standin: Any = types.ModuleType("optuna")
        standin.create_study, standin.samplers = Study, types.SimpleNamespace(GridSampler=dict)
        monkeypatch.setitem(sys.modules, "optuna", standin)
    monkeypatch.chdir(tmp_path)
    (script,) = blocks(section("docs/training.md", "### A sweep"), "python")
    assert "epochs=10" in script
    small = (
        script.replace("epochs=10", "epochs=1").replace("[0.001, 0.003, 0.01]", "[0.01]").replace("32, 64", "256, 512")
    )
    exec(small, {})
    assert "'optimizer.lr': 0.01" in capsys.readouterr().out.splitlines()[-1]
    assert sorted(path.name for path in (tmp_path / "runs" / "sweep").iterdir()) == ["0", "1"]
