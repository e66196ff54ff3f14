"""Standard streams that may be closed, full, or of few letters: no traceback, and nothing is lost without a word."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

from xnorkit.errors import OutputError

__all__ = ["Results", "standard_streams"]


class _Stream:
    """A text stream with all that the one below it has."""

    def __init__(self, below: Any) -> None:
        self._below = below

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)

    def _let_go(self) -> None:
        """Discard what is left in the buffer: the interpreter would try once more at its end."""
        with contextlib.suppress(OSError, io.UnsupportedOperation):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._below.fileno())
            os.close(nowhere)


class Results(_Stream):
    """Standard output: results, which are never lost without a word.

    A reader that has gone is not a fault (`gone`), and further writes raise BrokenPipeError; a disk that is full
    is an OutputError.
    """

    gone = False

    def write(self, text: str) -> int:
        """Write text."""
        with self._told():
            self._below.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        with self._told():
            self._below.flush()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._let_go()
            self.gone = isinstance(error, BrokenPipeError)
            if self.gone:
                raise
            raise OutputError(
                f"standard output cannot be written ({error.strerror}), but it must be a place that takes the "
                "result. Choose another one, or free space."
            ) from error


class _Progress(_Stream):
    """Standard error: progress, which no work is stopped for."""

    def write(self, text: str) -> int:
        """Write text, if somebody takes it."""
        try:
            self._below.write(text)
        except OSError:
            self._let_go()
        return len(text)

    def flush(self) -> None:
        """Hand over what was written, if somebody takes it."""
        try:
            self._below.flush()
        except OSError:
            self._let_go()


@contextlib.contextmanager
def standard_streams() -> Iterator[Results]:
    """Put streams of this module in the place of the standard ones, inside the block, and yield standard output.

    Letters that a stream does not have are written as escapes. Output to a stream that was closed before the
    start is discarded, and so is output to its number, which the next file that is opened would otherwise get.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, this one
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        out, err = (nowhere if stream is None else stream for stream in before)
        for stream in (out, err):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        results: Any = Results(out)
        progress: Any = _Progress(err)
        sys.stdout, sys.stderr = results, progress
        try:
            yield results
        finally:
            progress.flush()
            sys.stdout, sys.stderr = before
