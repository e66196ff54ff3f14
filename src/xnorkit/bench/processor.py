"""What the processor lacks that 8-bit peers need: their products of bytes saturate without VNNI."""

import os
import platform
from pathlib import Path

from xnorkit import _engine

__all__ = ["adds_bytes_exactly", "has_vnni"]

X86 = ("x86_64", "amd64", "i386", "i686", "x86")
CPUINFO = Path("/proc/cpuinfo")
VNNI_FLAGS = {"avx512_vnni", "avx_vnni"}
ISA_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
ISAS_WITHOUT_VNNI = ("SSE41", "AVX", "AVX2", "AVX512_CORE")


def adds_bytes_exactly(*, holdable: bool) -> bool:
    """Return whether an engine here multiplies uint8 activations by int8 weights without saturation.

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
    """Return whether the processor has VNNI, as the system lists its flags.

    Elsewhere than on Linux the engine's own list of instruction sets answers, of which `avx512` needs VNNI; a processor
    that has it without the rest of `avx512` counts as without, which is never wrong, only one bit coarser.
    """
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), None)
    return "avx512" in _engine.isas() if flags is None else not VNNI_FLAGS.isdisjoint(flags)
