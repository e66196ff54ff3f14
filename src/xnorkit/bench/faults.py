"""Why a peer has no figure: a wrong answer or an exception takes its cell, and never ends a benchmark."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Faults", "PeerError", "checked_error", "relative_error"]

LONGEST_REASON = 200
T = TypeVar("T")


class PeerError(Exception):
    """A peer cannot be measured; the text is the reason."""


class Faults:
    """The faults of one run.

    Attributes:
        reasons: name of the peer -> one line.

    Args:
        peers: names of the engines whose exceptions are faults; those of others are errors.
        absent: faults that are known before.
    """

    def __init__(self, peers: Iterable[str], absent: Mapping[str, str] | None = None) -> None:
        self.reasons = dict(absent or {})
        self._peers = frozenset(peers)

    def attempt(self, name: str, make: Callable[[], T]) -> T | None:
        """Return what `make` returns, or None if it raises, which is then the fault of `name`."""
        try:
            return make()
        except Exception as error:  # a peer may raise whatever it likes, ImportError and its own kinds included
            self.take(name, error)
            return None

    def take(self, name: str, error: Exception) -> None:
        """Keep an exception as the fault of `name`; raise it if `name` is no peer."""
        if name not in self._peers:
            raise error
        self.reasons[name] = _reason(error)


def relative_error(values: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return ||values - expected|| / ||expected||."""
    return float(np.linalg.norm(values - expected) / np.linalg.norm(expected))


def checked_error(values: NDArray[Any], expected: NDArray[Any], tolerance: float) -> float:
    """Return the relative error of a peer's answer.

    Raises:
        PeerError: it has another shape, or its error is above the tolerance or not a number.
    """
    if values.shape != expected.shape:
        raise PeerError(f"wrong answer: of shape {values.shape}; required: {expected.shape}")
    error = relative_error(values, expected)
    if not error <= tolerance:
        raise PeerError(f"wrong answer: relative error {error:.2g}; required: at most {tolerance}")
    return error


def _reason(error: Exception) -> str:
    """Return one line: the text of a fault; of another exception its kind and the line that says most, the last."""
    if isinstance(error, PeerError):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
