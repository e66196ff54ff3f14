"""A plugin of pytest that puts another build of the engine in the place of the installed one: `make coverage-engine`.

Usage: PYTHONPATH=tests/shared XNORKIT_OTHER_ENGINE=FILE pytest -p other_engine TESTS...
"""

import importlib.util
import os
import sys

NAME = "xnorkit._engine"

spec = importlib.util.spec_from_file_location(NAME, os.environ["XNORKIT_OTHER_ENGINE"])
assert spec is not None
assert spec.loader is not None
sys.modules[NAME] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[NAME])
