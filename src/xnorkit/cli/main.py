"""`xnorkit COMMAND ...`: finds the command's file, runs it, turns errors into one line and exit code 2."""

import contextlib
import sys
import warnings
from collections.abc import Container, Iterator, Sequence
from importlib import import_module
from typing import Any

from xnorkit.cli.needs import absent
from xnorkit.cli.streams import Results, standard_streams
from xnorkit.errors import BinarizationWarning, DataError, OutputError, XnorkitError

__all__ = ["main"]

COMMANDS = (
    "train",
    "sweep",
    "evaluate",
    "export",
    "convert",
    "inspect",
    "predict",
    "bench",
    "report",
    "demo",
    "models",
    "recipes",
)
USER_ERROR = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 for a user's mistake, 130 if interrupted.

    If nobody reads standard output any more, as with `| head -1`, the command ends without a word, with 0.
    """
    with standard_streams() as results:
        try:
            code = _guarded(arguments, results)
        except SystemExit as stop:  # help, a mistake in usage, or a table that nobody reads
            if results.gone:
                return 0
            if not _guarded_flush(results):
                raise SystemExit(USER_ERROR) from stop
            raise
        return code if _guarded_flush(results) else USER_ERROR


def _guarded(arguments: Sequence[str] | None, results: Results) -> int:
    """Run the command line and turn what goes wrong into one line."""
    try:
        return _command(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if results.gone:
            return 0
        line = _in_words(error)
        if not line:
            raise
        return _refused(line)


def _in_words(error: Exception) -> str:
    """Return what a user can do about an error; empty for a fault of this library."""
    if isinstance(error, XnorkitError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return absent(error.name or "a package")
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename!s:.120}: "
        return (
            f"{where}{error.strerror or error}, but the system must take the path, and its disk must be readable or "
            "writable there. Correct the path, or mend the disk."
        )
    if isinstance(error, RecursionError):
        return "a file or an argument nests too deeply, but it must have at most a few hundred levels."
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error).lower()):
        reason = (str(error).strip() or "all of it is in use").splitlines()[0]
        return f"the memory does not suffice ({reason}). Use a smaller model or batch, fewer images, or more memory."
    return ""


def _guarded_flush(results: Results) -> bool:
    """Hand over what was printed; False, with a line, if nothing takes it."""
    try:
        results.flush()
    except BrokenPipeError:
        return True
    except OutputError as error:
        _refused(str(error))
        return False
    return True


def _refused(message: str) -> int:
    """Print an error in one line, with escapes for what is not printable, and return the exit code of a user's mistake.

    Some of a message may come from a file.
    """
    from xnorkit.format import escaped

    print(f"error: {escaped(message)}", file=sys.stderr)
    return USER_ERROR


def _command(arguments: Sequence[str] | None) -> int:
    """Find the command and run it."""
    from xnorkit import __version__
    from xnorkit.cli.arguments import ArgumentParser, choose

    parser = ArgumentParser(
        prog="xnorkit", description="Binary neural networks: train in PyTorch, run on XNOR-popcount kernels without it."
    )
    parser.add_argument("--version", action="version", version=f"xnorkit {__version__}")
    words = sys.argv[1:] if arguments is None else arguments
    modules = {name: import_module(f"xnorkit.cli.{name}") for name in COMMANDS}
    name, words = choose(parser, {name: module.__doc__ or "" for name, module in modules.items()}, words)
    module = modules[name]
    own, prog, defaults = module.parser(), f"xnorkit {name}", {}
    if name == "bench":
        own.prog = prog
        command, words = choose(own, module.COMMANDS, words)
        own, prog, defaults = module.command(command), f"{prog} {command}", {"command": command}
    own.prog = prog
    own.set_defaults(**defaults)
    options = own.parse(words)
    with _warnings_in_a_line():
        try:
            module.run(options)
        except DataError as error:
            raise DataError(with_options(str(error), own._option_string_actions)) from error
    return 0


def with_options(message: str, options: Container[str]) -> str:
    """Return what is said of absent data with the options of a command in the place of arguments of Python."""
    if "--data" in options:
        message = message.replace("Pass the folder", "Name with --data the folder")
    download = " (--download true)" if "--download" in options else " with xnorkit train --download true"
    return message.replace(" (download=True)", download)


@contextlib.contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Print warnings of this library as its errors are: one line, without the place in the source."""
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, BinarizationWarning):
            print(f"warning: {message}", file=sys.stderr)
        else:
            shown(message, category, *place)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


if __name__ == "__main__":
    sys.exit(main())
