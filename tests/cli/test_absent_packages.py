"""A package that a command needs is looked for before anything is trained, measured or written."""

import sys
from pathlib import Path

import pytest

from xnorkit.cli.main import main

REPORT = "report --quick --output report"
CASES = [
    ("matplotlib", "matplotlib", "report", REPORT),
    ("jinja2", "Jinja2", "report", REPORT),
    ("matplotlib", "matplotlib", "report", "report --from old"),
    ("sklearn", "scikit-learn", "digits", REPORT),
    ("pydantic", "pydantic", "train", REPORT),
    ("lightning", "Lightning", "train", "train lenet5-digits"),
    ("sklearn", "scikit-learn", "digits", "train lenet5-digits"),
    ("optuna", "Optuna", "sweep", "sweep lenet5-digits seed=0,1"),
    ("sklearn", "scikit-learn", "digits", "demo"),
    ("sklearn", "scikit-learn", "digits", "evaluate lenet5-digits"),
    ("onnx", "onnx", "onnx", "export lenet5-digits -o model.onnx --to onnx"),
    ("matplotlib", "matplotlib", "report", "bench model lenet5 --roofline roof.svg"),
    ("matplotlib", "matplotlib", "report", "bench kernels --roofline roof.svg"),
    ("torch", "PyTorch", "train", "bench training lenet5"),
    ("PIL", "Pillow", "cli", "predict lenet5-mnist picture.png"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[3]} without {case[0]}")
def test_one_line_says_what_to_install_and_nothing_is_written(
    case: tuple[str, str, str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module, name, extra, command = case
    monkeypatch.chdir(tmp_path)
    for loaded in [module, *(each for each in sys.modules if each.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, loaded, None)
    assert main(command.split()) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        f"error: this command needs {name}, which is not installed; install it with: pip install 'xnorkit[{extra}]'\n"
    )
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []
