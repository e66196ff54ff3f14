"""A model evaluated on data with another number of classes is refused in plain words, before anything runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xnorkit.app.evaluate import evaluate_file
from xnorkit.data import DataOptions, MemoryData, Split, registry
from xnorkit.errors import RecipeError


def _two_classes(_root: Any, options: DataOptions) -> MemoryData:
    both = Split(np.zeros((6, 1, 28, 28), np.uint8), np.arange(6) % 2)
    names: dict[str, Any] = {"name": "two", "classes": ["a", "b"], "split_name": "all"}
    return MemoryData(**names, mean=(0.5,), std=(0.25,), options=options, train=both, test=both)


def test_other_classes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._DATA, "two", _two_classes)
    message = "lenet5-mnist tells 10 classes apart, and data 'two' has 2, but they must be the classes that it was"
    with pytest.raises(RecipeError, match=message):
        evaluate_file(Path("lenet5-mnist"), data_name="two")
