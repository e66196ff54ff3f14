"""Packed graph -> a self-contained C99 program."""

from xnorkit.targets.c.write import CProgram, write_c

__all__ = ["CProgram", "write_c"]
