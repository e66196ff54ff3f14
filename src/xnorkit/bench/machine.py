"""The machine that a benchmark ran on, as its rows name it."""

import os
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["cores", "cpu_name", "machine", "versions"]

CPUINFO = Path("/proc/cpuinfo")
PACKAGES = ("xnorkit", "torch", "numpy")


@cache
def machine() -> dict[str, Any]:
    """Return cpu, cores (that the process may use), os, python, and versions of what computes."""
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions(PACKAGES),
    }


def cores() -> int | None:
    """Return how many processors the process may use, or None where the system does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_name() -> str:
    """Return the name of the processor, with its family and model, which tell more where the name is vague."""
    fields = dict[str, str]()
    try:
        for line in CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    except OSError:
        pass
    known = [f"{key.removeprefix('cpu ')} {fields[key]}" for key in ("cpu family", "model") if fields.get(key)]
    name = fields.get("model name") or platform.processor() or platform.machine()
    return f"{name} ({', '.join(known)})" if known else name


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
