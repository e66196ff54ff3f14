"""An engine that is older than the sources is named as such."""

from pathlib import Path

import pytest

from xnorkit.errors import EngineError
from xnorkit.runtime._current import STUB, check_current


def test_an_older_engine(tmp_path: Path) -> None:
    interface = tmp_path / "_engine.pyi"
    interface.write_text("class Program:\n    def finish(self): ...\n    def fold(\n        self): ...\n")
    with pytest.raises(EngineError, match="has no 'fold', it is older than the sources; required: build it again"):
        check_current(interface)


def test_this_engine(tmp_path: Path) -> None:
    check_current(STUB)
    check_current(tmp_path / "none.pyi")
