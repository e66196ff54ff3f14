"""The reason why a peer has no figure: a wrong answer or an exception takes its cell but never ends a benchmark."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Faults", "PeerError", "checked_error", "relative_error"]

LONGEST_REASON = 200
T = TypeVar("T")


class PeerError(Exception):
    """A peer cannot be measured, for the reason in the text."""


class Faults:
    """The faults of one run.

    Attributes:
        reasons: the name of a peer -> one line.

    Args:
        peers: the names of the engines whose exceptions are faults; those of others are errors.
        absent: the faults that are known beforehand.
    """

    def __init__(self, peers: Iterable[str], absent: Mapping[str, str] | None = None) -> None:
        self.reasons = dict(absent or {})
        self._peers = frozenset(peers)

    def attempt(self, name: str, make: Callable[[], T]) -> T | None:
        """Return the result of `make`; if it raises, record the fault of `name` and return None."""
        try:
            return make()
        except Exception as error:  # a peer may raise anything, including ImportError and its own exceptions
            self.take(name, error)
            return None

    def take(self, name: str, error: Exception) -> None:
        """Record an exception as the fault of `name`; raise it if `name` is not a peer."""
        if name not in self._peers:
            raise error
        self.reasons[name] = _reason(error)


def relative_error(values: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return ||values - expected|| / ||expected||."""
    return float(np.linalg.norm(values - expected) / np.linalg.norm(expected))


def checked_error(values: NDArray[Any], expected: NDArray[Any], tolerance: float) -> float:
    """Return the relative error of a peer's answer.

    Raises:
        PeerError: the answer has another shape, or its error exceeds the tolerance or is not a number.
    """
    if values.shape != expected.shape:
        raise PeerError(f"wrong answer: the shape is {values.shape}, but it must be {expected.shape}")
    error = relative_error(values, expected)
    if not error <= tolerance:
        raise PeerError(f"wrong answer: the relative error is {error:.2g}, but it must be at most {tolerance}")
    return error


def _reason(error: Exception) -> str:
    """Return one line: the text of a fault, or for another exception its type and the last line of its text."""
    if isinstance(error, PeerError):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
