"""The conditions of a figure, and the removal of what OpenVINO leaves in the process."""

import ctypes
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from xnorkit import __version__, _engine
from xnorkit.bench import machine as bench_machine

__all__ = ["machine", "usual_signal_stack"]

PACKAGES = ("torch", "lightning", "numpy", "scikit-learn", "torchvision", "onnx", "onnxruntime", "openvino")
SS_DISABLE = 2


@cache
def machine() -> dict[str, Any]:
    """Return the conditions that do not change during a study: cpu, cores, isa, os, python, versions, commit."""
    versions = {"xnorkit": __version__, **bench_machine.versions(PACKAGES)}
    return {**bench_machine.machine(), "isa": _engine.default_isa(), "versions": versions, "commit": _commit()}


def _commit() -> str:
    """Return the commit of this package's working tree, marked if it has changes, or else its version."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        inside = _git("ls-files", "--error-unmatch", __file__)
        changed = _git("status", "--porcelain", "--untracked-files=no", ".")
    except (OSError, subprocess.CalledProcessError):
        return f"version {__version__}"
    return f"{head}{' with changes' if changed else ''}" if inside else f"version {__version__}"


def _git(*words: str) -> str:
    folder = str(Path(__file__).parent)
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class _Stack(ctypes.Structure):
    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def usual_signal_stack() -> None:
    """Remove the alternate signal stack that OpenVINO registers for the thread and frees with its model.

    The next signal, such as an interrupt, would otherwise run on freed memory and kill the process.
    """
    if "openvino" in sys.modules and sys.platform == "linux":
        ctypes.CDLL(None).sigaltstack(ctypes.byref(_Stack(None, SS_DISABLE, 0)), None)
