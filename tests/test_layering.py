"""Imports point down only (docs/architecture.md), and the bare half never needs the torch half."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "xnorkit"
ENGINE = ROOT / "engine" / "src"

# What each room may import of xnorkit; errors, owned, lazy and own may be imported by all.
ALLOWED = {
    "errors": set(),
    "owned": set(),
    "lazy": set(),
    "own": set(),
    "metrics": {"train"},
    "callbacks": {"optim", "train"},
    "recipes": set(),
    "format": {"__init__"},  # the version that a file names as its producer
    "zoo": set(),
    "runtime": {"format", "zoo", "_engine"},
    "functional": set(),
    "ops": {"functional"},
    "nn": {"functional", "ops", "_engine"},  # the engine: training on bits
    "models": {"nn", "ops", "export", "format", "zoo"},  # a trained model is a packed one
    "optim": {"functional"},
    "inspection": {"nn"},
    "data": {"format"},  # what a data set does to pictures
    "train": {"models", "data", "nn", "ops", "optim", "format", "recipes"},
    "compat": {"functional", "ops", "nn", "optim", "models", "train", "format"},
    "compile": {"nn", "ops", "functional", "format"},
    "proof": {"compile", "nn", "functional", "format", "runtime"},
    "export": {"compile", "proof", "format", "runtime"},
    "targets": {"__init__", "format", "runtime"},  # runtime: the outputs that the test of a C program expects
    # compat: the published training loops
    "bench": {"compat", "models", "nn", "export", "format", "runtime", "train", "zoo", "_engine"},
    "app": {
        *("bench", "data", "export", "format", "inspection", "models", "runtime"),
        *("proof", "targets", "train", "zoo"),
    },
    "report": {
        *("__init__", "_engine", "app", "bench", "data", "export", "format", "inspection", "models", "nn"),
        *("runtime", "train", "zoo"),
    },
    "cli": {
        "app",
        "bench",
        "compat",
        "data",
        "export",
        "format",
        "models",
        "recipes",
        "report",
        "runtime",
        "train",
        "zoo",
        "__init__",
    },
}
# What each folder of the engine may include of the others, from the bottom up; all may include the public headers.
ENGINE_ALLOWED: dict[str, set[str]] = {
    "common": set(),
    "contract": set(),
    "spec": {"common", "contract"},
    "kernels": {"common", "contract", "spec"},
    "reference": {"common", "spec"},
    "dispatch": {"common", "contract"},  # not the kernels' own headers: the contract declares their tables
    "threads": {"common"},
    "layout": {"common", "contract", "spec", "kernels", "threads"},
    "steps": {"common", "contract", "spec", "kernels", "reference", "threads", "layout"},
    "plan": {"common", "contract", "spec", "threads", "layout", "steps"},
    "build": {"common", "contract", "dispatch", "plan"},
    "training": {"common", "contract", "spec", "reference", "dispatch", "threads"},
    "file": {"common"},  # and the public headers: a file reaches the engine through Program::add
}
MOST_FILES = 25
"""Directly in one folder, so that a reader sees them at a glance."""
HEAVY = {"torch", "lightning", "torchvision", "torchmetrics", "sklearn", "matplotlib"}
BARE = {"errors", "owned", "lazy", "recipes", "format", "runtime", "zoo"}


def _modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _engine_sources() -> list[Path]:
    return sorted(p for p in ENGINE.rglob("*") if p.suffix in (".h", ".cpp", ".inc"))


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, lazily or not, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    room = _room(path)
    assert room in ALLOWED, f"room '{room}' is not in the table of allowed arrows"
    for name in _imports(path):
        top, _, rest = name.partition(".")
        if top == "xnorkit":
            target = rest.partition(".")[0]
            target = (
                "__init__"
                if not (PACKAGE / target).exists() and not (PACKAGE / f"{target}.py").exists() and target != "_engine"
                else target
            )
            assert target in {room, "errors", "owned", "lazy", "own"} | ALLOWED[room], (
                f"{path}: {room} imports {target}, which is not below it"
            )
        elif room in BARE:
            assert top not in HEAVY, f"{path} imports {top}; {room} must run without it"


def test_every_room_exists() -> None:
    assert {_room(path) for path in _modules()} == set(ALLOWED)


def test_no_folder_of_python_is_crowded() -> None:
    for folder in {path.parent for path in _modules()}:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= MOST_FILES, f"{folder} holds {len(files)} modules, but it must hold at most {MOST_FILES}"


def test_engine_includes_nothing_of_python() -> None:
    sources = [p for p in (ROOT / "engine").rglob("*") if p.suffix in (".h", ".cpp")]
    assert sources
    for path in sources:
        for header in re.findall(r'#include\s*[<"]([^>"]+)[>"]', path.read_text(encoding="utf-8")):
            assert not re.match(r"Python\.h|nanobind|torch|numpy", header), f"{path} includes {header}"


@pytest.mark.parametrize("path", _engine_sources(), ids=lambda p: str(p.relative_to(ENGINE)))
def test_engine_includes_point_down(path: Path) -> None:
    folder = path.relative_to(ENGINE).parts[0]
    assert folder in ENGINE_ALLOWED, f"folder '{folder}' is not in the table of allowed includes"
    for header in re.findall(r'#include "([^"]+)"', path.read_text(encoding="utf-8")):
        target = header.partition("/")[0]
        assert target in {folder, "xnorkit"} | ENGINE_ALLOWED[folder], (
            f"{path}: {folder} includes {header}, which is not below it"
        )


def test_engine_folders_are_known_and_small() -> None:
    folders = {p.name: p for p in ENGINE.iterdir()}
    assert set(folders) == set(ENGINE_ALLOWED)
    order = list(ENGINE_ALLOWED)
    for folder, below in ENGINE_ALLOWED.items():
        assert below <= set(order[: order.index(folder)]), f"{folder} may include what stands after it in the table"
        files = [p for p in folders[folder].iterdir() if p.is_file()]
        assert len(files) <= MOST_FILES, (
            f"engine/src/{folder} holds {len(files)} files, but it must hold at most {MOST_FILES}"
        )


@pytest.mark.parametrize("module", ["xnorkit", "xnorkit.format", "xnorkit.runtime", "xnorkit.zoo", "xnorkit.cli.main"])
def test_bare_modules_load_without_the_heavy_ones(module: str) -> None:
    code = f"import sys, {module}; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
