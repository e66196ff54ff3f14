"""The names of the machine and its processor, on which figures are measured."""

import os
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xnorkit import _engine

__all__ = ["adds_bytes_exactly", "cores", "cpu_name", "has_vnni", "machine", "versions"]

PACKAGES = ("xnorkit", "torch", "numpy")
X86 = ("x86_64", "amd64", "i386", "i686", "x86")
CPUINFO = Path("/proc/cpuinfo")
VNNI_FLAGS = {"avx512_vnni", "avx_vnni"}
ISA_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
ISAS_WITHOUT_VNNI = ("SSE41", "AVX", "AVX2", "AVX512_CORE")


def adds_bytes_exactly(*, holdable: bool) -> bool:
    """Return whether an engine on this machine multiplies uint8 activations by int8 weights without saturation.

    x86 has one instruction for it before VNNI, vpmaddubsw: a0 w0 + a1 w1 in 16 bits, saturated. With |w| <= 127 the sum
    reaches 2 * 255 * 127 = 64,770, above 32,767; with |w| <= 64 it ends at 2 * 255 * 64 = 32,640.

    Args:
        holdable: the engine takes its instruction set from oneDNN's variables, which may forbid VNNI.
    """
    if platform.machine().lower() not in X86:
        return True
    limits = [os.environ[name].upper() for name in ISA_VARIABLES if name in os.environ] if holdable else []
    return has_vnni() and not any(limit in ISAS_WITHOUT_VNNI for limit in limits)


def has_vnni() -> bool:
    """Return whether the processor has VNNI, according to the flags that the system lists.

    Outside Linux, the engine's own list of instruction sets decides, in which `avx512` needs VNNI; a processor
    that has it without the rest of `avx512` counts as lacking it, which is safe and only one bit coarser.
    """
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), None)
    return "avx512" in _engine.isas() if flags is None else not VNNI_FLAGS.isdisjoint(flags)


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
    """Return the number of processors that the process may use, or None if the system does not report it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_name() -> str:
    """Return the name of the processor with its family and model, which are more precise than a vague name."""
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
    """Return the versions of the packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
