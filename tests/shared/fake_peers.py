"""Peers that do what a test wants: answer rightly or wrongly, raise while they are made or run, or be missing."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.bench.engines import Engine

__all__ = ["FAULTS", "KINDS", "REAL_FAULTS", "fake_call", "fake_engines"]

KINDS = ("right", "wrong", "shape", "nan", "import", "build", "first", "later", "late", "missing")
LATER_CALLS, LATE_SECONDS = 3, 0.06
"""Until a peer raises: while it warms up, which takes 50 ms, or behind that."""
FAULTS = {
    "wrong": "wrong answer: the relative error is ",
    "shape": "wrong answer: the shape is ",
    "nan": "wrong answer: the relative error is nan",
    "import": "ImportError: libfake.so cannot be loaded",
    "build": "RuntimeError: no kernel for this graph",
    "first": "ValueError: first",
    "later": "ZeroDivisionError",
    "late": "ZeroDivisionError",
    "missing": "no_such_module is not installed; pip install 'xnorkit[bench]'",
}
"""How the reason of each kind that has a fault begins."""
REAL_FAULTS = ("wrong answer", "RuntimeError: ", "RuntimeException: ", "NotImplemented: ")
"""How the reason of a real engine begins if the fault is its own on a processor, not in what we gave it."""


def fake_engines(kinds: Iterable[str]) -> tuple[Engine, ...]:
    """Return an engine per kind, of the family "fake" and named after it."""
    return tuple(
        Engine(f"{kind}_f32", "fake", ("no_such_module" if kind == "missing" else "json",), 1e-3) for kind in kinds
    )


def fake_call(name: str, answer: NDArray[np.float32]) -> Callable[[], Any]:
    """Return what the library of a fake engine makes of a network with that answer."""
    kind, calls, start = name.removesuffix("_f32"), 0, 0.0
    if kind == "import":
        raise ImportError(f"long story\n{FAULTS['import'].removeprefix('ImportError: ')}")
    if kind == "build":
        raise RuntimeError(f"Exception from core.cpp:117:\n{FAULTS['build'].removeprefix('RuntimeError: ')}\n\n")
    answers = {"wrong": answer + 1, "shape": answer[:, :1], "nan": np.full_like(answer, np.nan)}

    def call() -> NDArray[np.float32]:
        nonlocal calls, start
        calls, start = calls + 1, start or time.perf_counter()
        if kind == "first":
            raise ValueError("first")
        if kind == "later" and calls > LATER_CALLS:
            raise ZeroDivisionError
        if kind == "late" and time.perf_counter() - start > LATE_SECONDS:
            raise ZeroDivisionError
        return answers.get(kind, answer)

    return call
