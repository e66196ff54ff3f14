"""Under what a figure was measured: machine, versions, commit, date."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xnorkit import __version__, _engine

__all__ = ["machine", "now"]

PACKAGES = (
    *("xnorkit", "torch", "lightning", "numpy", "scikit-learn", "torchvision"),
    *("onnx", "onnxruntime", "openvino"),
)


@cache
def machine() -> dict[str, Any]:
    """Return what does not change during a study: cpu, cores, isa, os, python, versions, commit."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "isa": _engine.default_isa(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": _versions(),
        "commit": _commit(),
    }


def now() -> str:
    """Return date and time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cpu() -> str:
    """Return the name of the processor, with its family and model, which tell more where the name is vague."""
    fields = dict[str, str]()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    except OSError:
        pass
    known = [f"{key.removeprefix('cpu ')} {fields[key]}" for key in ("cpu family", "model") if fields.get(key)]
    name = fields.get("model name") or platform.processor() or platform.machine()
    return f"{name} ({', '.join(known)})" if known else name


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {**found, "xnorkit": __version__}


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
