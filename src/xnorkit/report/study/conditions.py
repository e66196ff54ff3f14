"""Under what a figure was measured: machine, versions, commit, date."""

import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from xnorkit import __version__, _engine
from xnorkit.bench.machine import cores, cpu_name, versions

__all__ = ["machine", "now"]

PACKAGES = (
    *("xnorkit", "torch", "lightning", "numpy", "scikit-learn", "torchvision"),
    *("onnx", "onnxruntime", "openvino"),
)


@cache
def machine() -> dict[str, Any]:
    """Return what does not change during a study: cpu, cores, isa, os, python, versions, commit."""
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "isa": _engine.default_isa(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {**versions(PACKAGES), "xnorkit": __version__},
        "commit": _commit(),
    }


def now() -> str:
    """Return date and time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _commit() -> str:
    """Return the commit of the working tree that this package lies in, marked if it was changed, else its version."""
    folder = Path(__file__).parent
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        inside = _git(folder, "ls-files", "--error-unmatch", __file__)
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
    except (OSError, subprocess.CalledProcessError):
        return f"version {__version__}"
    return f"{head}{' with changes' if changed else ''}" if inside else f"version {__version__}"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()
