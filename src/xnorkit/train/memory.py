"""Memory that a training step uses again instead of returning it to the system."""

import ctypes
import os
import sys

from xnorkit.errors import InputError

__all__ = ["reuse_memory"]

VARIABLE = "XNORKIT_MEMORY"

# Of malloc.h of the GNU C library.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
NEVER = 2**31 - 1
PAD = 2**26


def reuse_memory() -> bool:
    """Keep freed memory in the process, and return whether this system's allocator can be told so.

    The allocator of the GNU C library takes each tensor of more than 32 MiB from the system and gives it back when it
    is freed. The system then fills every page with zeros at its first use, again in every step: a quarter of a float
    step of a CIFAR-10 network, a third of a packed one. With this call such memory comes from the heap, which stays. It
    holds for the whole process and cannot be undone. The environment variable XNORKIT_MEMORY=return forbids it, where
    memory is scarcer than time; its other value is "reuse".

    Raises:
        InputError: XNORKIT_MEMORY has another value.
    """
    wish = os.environ.get(VARIABLE) or "reuse"
    if wish not in {"reuse", "return"}:
        raise InputError(f"{VARIABLE}={wish!r}, but it must be 'reuse' or 'return'. Unset it for 'reuse'.")
    if wish == "return" or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries lack it, or ignore it
    if mallopt is None:
        return False
    settings = ((MMAP_MAX, 0), (TRIM_THRESHOLD, NEVER), (TOP_PAD, PAD))
    done = [mallopt(name, value) == 1 for name, value in settings]
    return all(done)
