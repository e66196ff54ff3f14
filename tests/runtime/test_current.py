"""An engine that is older than the sources is named as such; one that is installed as from a wheel is not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xnorkit
from xnorkit import _engine
from xnorkit.errors import EngineError
from xnorkit.runtime._current import check_current

PACKAGE = Path(xnorkit.__file__).parent
OTHERS = "class SignConv:\n    def output(self): ...\n"


def test_an_older_engine(tmp_path: Path) -> None:
    interface = tmp_path / "_engine.pyi"
    methods = "class Program:\n    def finish(self): ...\n\n    @property\n    def fold(\n        self): ...\n"
    for text in (methods + OTHERS, OTHERS + methods):
        interface.write_text(text)
        with pytest.raises(
            EngineError, match="has no 'fold', because it is older than the sources, but it must be built"
        ):
            check_current(interface)


def test_an_engine_with_a_method_of_before(tmp_path: Path) -> None:
    interface = tmp_path / "_engine.pyi"
    text = (PACKAGE / "_engine.pyi").read_text(encoding="utf-8")
    interface.write_text(text.replace("    def finish(", "    def finished("))
    with pytest.raises(EngineError, match="has no 'finished'"):
        check_current(interface)
    interface.write_text(text.replace("    def finish(", "    def _finish("))
    with pytest.raises(EngineError, match="still has 'finish', because it is older than the sources"):
        check_current(interface)


def test_this_engine(tmp_path: Path) -> None:
    assert "def finish" in (PACKAGE / "_engine.pyi").read_text(encoding="utf-8")
    check_current(PACKAGE / "_engine.pyi")
    check_current(tmp_path / "none.pyi")


def test_the_package_as_a_wheel_installs_it(tmp_path: Path) -> None:
    """The engine beside its interface, as no editable installation has it."""
    installed = tmp_path / "xnorkit"
    shutil.copytree(PACKAGE, installed, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copy(str(_engine.__file__), installed)
    code = (
        "import sys; sys.meta_path = [f for f in sys.meta_path if 'ScikitBuild' not in type(f).__name__]\n"
        "import xnorkit.runtime, xnorkit.zoo\n"
        "model = xnorkit.runtime.load(xnorkit.zoo.path('lenet5-mnist'))\n"
        "print(xnorkit.runtime.__file__, *model.input_shape)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(installed / "runtime" / "__init__.py"), "1", "28", "28"]
