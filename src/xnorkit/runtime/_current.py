"""Compares the compiled engine with its typed interface, and refuses one that is older than the sources at import."""

import re
from pathlib import Path

from xnorkit import _engine
from xnorkit.errors import EngineError

__all__ = ["check_current"]

STUB = Path(_engine.__file__ or "").with_name("_engine.pyi")
PROGRAM = re.compile(r"^class Program:\n((?:    .*\n|\n)*)", re.MULTILINE)
METHOD = re.compile(r"^    def ([a-z]\w*)\(", re.MULTILINE)


def check_current(interface: Path = STUB) -> None:
    """Check that the engine has what the sources call.

    Args:
        interface: the typed interface; without it nothing is checked.

    Raises:
        EngineError: `Program` lacks a method, or has one that the sources do not know; names it.
    """
    text = interface.read_text(encoding="utf-8") if interface.is_file() else ""
    program = PROGRAM.search(text)
    if program is None:
        return
    known = set(METHOD.findall(program[1]))
    present = {name for name in dir(_engine.Program) if not name.startswith("_")}
    for names, what in ((known - present, "has no"), (present - known, "still has")):
        if names:
            raise EngineError(
                f"the compiled engine {what} '{min(names)}', because it is older than the sources, but it must be "
                "built from these sources. Build it again with `make install` or pip install."
            )
