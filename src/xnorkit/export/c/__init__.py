"""Packed graph -> a self-contained C99 program."""

from xnorkit.export.c.write import CProgram, write_c

__all__ = ["CProgram", "write_c"]
