"""Install xnorkit into a fresh environment per Python and set of packages, run quick tests there, and print a table.

    python tools/install_matrix.py                                   # each Python of 3.10 to 3.14 that uv finds
    python tools/install_matrix.py 3.11 3.13 --sets runtime,lowest

The sets are `runtime` (NumPy and safetensors alone), `lowest` (the same, each in the lowest version that pyproject.toml
allows), `train` and `all`. One wheel is built per Python, and one for 3.12 and all that follow. This needs uv; pyenv
shows its Pythons to it with PYENV_VERSION=3.10.13:3.12.1:3.13.0. Environments are in build/install-matrix.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "install-matrix"
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
LAST_WITH_LOWEST = 11
"""The lowest NumPy is compiled for no Python above 3.11."""

TESTERS = ("pytest", "pytest-timeout", "hypothesis")
RUN_MODELS = """
import sys
import numpy as np
from xnorkit import load, zoo
for name in zoo.list_pretrained():
    sample = zoo.sample(name)
    assert np.array_equal(load(name)(sample.images), sample.logits), name
assert "torch" not in sys.modules
"""
PACK = """
from xnorkit import create_model, pack
pack(create_model("lenet5"), (1, 28, 28))
"""
LIST = "import xnorkit.cli.main; xnorkit.cli.main.main(['models'])"
WITHOUT_TORCH = [
    *("tests/runtime/test_bits.py", "tests/runtime/test_current.py", "tests/format/test_container.py"),
    *("tests/format/test_file.py", "tests/format/test_must.py", "tests/format/test_summary.py"),
]
SETS = {
    "runtime": ("", RUN_MODELS, WITHOUT_TORCH),
    "lowest": ("", RUN_MODELS, WITHOUT_TORCH),
    "train": ("[train]", PACK, ["tests/functional", "tests/optim"]),
    "all": ("[train,sweep,report,onnx,caffe,tensorboard]", LIST, ["tests/functional", "tests/optim", "tests/format"]),
}
"""Name -> (extras, a program that must run with nothing else installed, tests that must pass beside TESTERS)."""


class StepError(Exception):
    """A command of a cell ended with an error; says the last line that it printed."""


def run(*command: str | Path, folder: Path = FOLDER) -> None:
    """Run a command of a cell.

    Raises:
        StepError: it fails.
    """
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        raise StepError(lines[-1])


def uv(*arguments: str | Path) -> None:
    """Run uv; StepError as in `run`."""
    run(str(UV), "--quiet", *arguments)


@cache
def wheel(kind: str, python: str) -> Path:
    """Return the wheel of one Python, or of all that have the stable interface (`abi3`), built once."""
    folder = FOLDER / f"wheel-{kind}"
    uv("build", "--wheel", "--python", python, "--out-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def attempt(python: str, name: str) -> str:
    """Return "ok" with the seconds of installation and tests, or the last line of the failure."""
    extras, program, tests = SETS[name]
    minor = int(python.split(".")[1])
    if name == "lowest" and minor > LAST_WITH_LOWEST:
        return "no NumPy so old"
    environment = FOLDER / f"{python}-{name}"
    inside = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    start = time.monotonic()
    try:
        uv("venv", "--clear", "--python", python, environment)
        package = f"xnorkit{extras} @ {wheel('abi3' if minor >= 12 else python, python).as_uri()}"
        install: list[str | Path] = ["pip", "install", "--python", environment, "-c", ROOT / "constraints.txt"]
        uv(*install, *(["--resolution", "lowest-direct"] if name == "lowest" else []), package)
        run(inside, "-c", program)
        uv("pip", "install", "--python", environment, *TESTERS)
        run(inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, folder=ROOT)
    except StepError as error:
        return f"failed: {error}"
    return f"ok, {time.monotonic() - start:.0f} s"


def is_there(python: str) -> bool:
    """Whether uv finds a Python."""
    return subprocess.run([str(UV), "python", "find", python], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Print the table; exit with 1 if a cell failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--sets", default=",".join(SETS), help="comma-separated (default: all)")
    asked = parser.parse_args()
    names = asked.sets.split(",")
    if unknown := sorted(set(names) - set(SETS)):
        parser.error(f"--sets={unknown[0]}, but it must be one of: {', '.join(SETS)}.")
    if UV is None:
        sys.exit("The matrix needs uv, but it is not installed. Run pip install uv.")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    print(f"| Python | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    failed = False
    for python in asked.pythons or [version for version in PYTHONS if is_there(version)]:
        cells = [attempt(python, name) for name in names]
        failed |= any(cell.startswith("failed") for cell in cells)
        print(f"| {python} | {' | '.join(cells)} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
