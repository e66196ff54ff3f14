"""Install xnorkit into a fresh environment per Python and set of extras, run quick tests, and print a table.

    python tools/install_matrix.py              # each Python of 3.10 to 3.14 that uv finds
    python tools/install_matrix.py 3.11 3.13

This needs uv. Environments are in build/install-matrix.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / "build" / "install-matrix"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SETS = {
    "runtime": ("", [], "import xnorkit, numpy; m = xnorkit.load('lenet5-mnist'); m(numpy.zeros((1, 1, 28, 28), 'f'))"),
    "train": (
        "[train]",
        ["torch"],
        "import xnorkit, torch; from xnorkit.models import create_model\n"
        "xnorkit.pack(create_model('lenet5'), (1, 28, 28))",
    ),
    "all": (
        "[train,sweep,report,onnx,caffe,tensorboard]",
        ["torch"],
        "import xnorkit.cli.main as c; c.main(['models'])",
    ),
}
"""Name -> (extras, packages to install first with the constraints, a program that must run)."""


def attempt(python: str, name: str) -> str:
    """Return "ok" with the seconds of the installation, or the last line of the failure."""
    extras, first, program = SETS[name]
    folder = ENVIRONMENTS / f"{python}-{name}"
    start = time.monotonic()
    steps = [["uv", "venv", "--quiet", "--clear", "--python", python, str(folder)]]
    install = ["uv", "pip", "install", "--quiet", "--python", str(folder), "-c", str(ROOT / "constraints.txt")]
    steps += [[*install, *first]] if first else []
    steps += [[*install, f"{ROOT}{extras}"], [str(folder / "bin" / "python"), "-c", program]]
    for step in steps:
        done = subprocess.run(step, cwd=ENVIRONMENTS, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
            return f"failed: {lines[-1]}"
    return f"ok, {time.monotonic() - start:.0f} s"


def _is_there(python: str) -> bool:
    return subprocess.run(["uv", "python", "find", python], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Print the table; exit with 1 if a cell failed."""
    if shutil.which("uv") is None:
        sys.exit("the matrix needs uv, but it is not installed. Run pip install uv.")
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    asked = sys.argv[1:]
    found = [python for python in asked or PYTHONS if asked or _is_there(python)]
    print(f"| Python | {' | '.join(SETS)} |\n|---|{'---|' * len(SETS)}")
    failed = False
    for python in found:
        cells = [attempt(python, name) for name in SETS]
        failed |= any(not cell.startswith("ok") for cell in cells)
        print(f"| {python} | {' | '.join(cells)} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
