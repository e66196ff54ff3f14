"""docs/binarizers.md lists every binarizer and tells the truth about bits; its examples run; its plots are current."""

import importlib.util
import re
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from ops_cases import NAMES, OUTPUTS, build, conv, image

from xnorkit import ops

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "binarizers.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)\(.*\| (.+) \|$", TEXT, re.MULTILINE))


def drawing_script() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("draw_binarizers", DOCS / "figures" / "draw_binarizers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_hold_every_binarizer_once() -> None:
    assert sorted(re.findall(r"^\| `(\w+)\(", TEXT, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_tell_the_truth_about_bits(name: str) -> None:
    reason = build(getattr(ops, name), conv()).bit_reason
    start = "in float" if name in OUTPUTS else "no: " if reason else "yes"
    assert ROWS[name].startswith(start)
    assert (reason is None) == (start == "yes")


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_show_arguments_that_exist(name: str) -> None:
    (arguments,) = re.findall(rf"^\| `{name}\((.*?)\)`", TEXT, re.MULTILINE)
    given = dict(re.findall(r"(\w+)=([\w.\"]+)", arguments))
    getattr(ops, name).with_args(**given)


def test_the_plots_are_those_of_the_code() -> None:
    script = drawing_script()
    drawn = {name: script.drawing(name, curves) for name, curves in script.figures()}
    assert sorted(drawn) == NAMES
    assert sorted(p.stem for p in script.FOLDER.iterdir()) == NAMES
    for name, text in drawn.items():
        assert f"figures/binarizers/{name}.svg" in TEXT
        stored = (script.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        number = r"-?\d+\.\d+"
        assert re.sub(number, "", text) == re.sub(number, "", stored), f"{name}: run docs/figures/draw_binarizers.py"
        np.testing.assert_allclose(  # a tenth of a pixel, where another processor rounds otherwise
            [float(v) for v in re.findall(number, text)], [float(v) for v in re.findall(number, stored)], atol=0.11
        )


def test_the_examples_of_own_binarizers_run() -> None:
    space: dict[str, type[torch.nn.Module]] = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT.split("## Write your own")[1], re.DOTALL):
        exec(block, space)
    x = image().requires_grad_()
    y = space["SoftsignBinarizer"].with_args()()(x)
    assert set(y.unique().tolist()) == {-1.0, 1.0}
    y.sum().backward()
    torch.testing.assert_close(x.grad, 1 / (1 + x.detach().abs()) ** 2)
    w = image(3, 4, 3, 3)
    torch.testing.assert_close(space["LargestMagnitude"]()(w).abs().flatten(1).amin(1), w.abs().flatten(1).amax(1))
