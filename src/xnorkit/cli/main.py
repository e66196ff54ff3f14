"""`xnorkit COMMAND ...`: finds the command's file, runs it, turns errors into one line and exit code 2."""

import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from xnorkit.errors import BinarizationWarning, XnorkitError

__all__ = ["main"]

COMMANDS = (
    "train",
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
    """Run the command line and return its exit code: 0, 2 for a user's mistake, 130 if interrupted."""
    try:
        from xnorkit.cli.arguments import ArgumentParser
    except ModuleNotFoundError:
        print(
            "error: the command line needs extra packages; install them with: pip install 'xnorkit[cli]'",
            file=sys.stderr,
        )
        return USER_ERROR
    from xnorkit import __version__
    from xnorkit.cli import predict, train

    parser = ArgumentParser(
        prog="xnorkit",
        description="Binary neural networks: train in PyTorch, run on XNOR-popcount kernels without it.",
        version=__version__,
    )
    commands = parser.add_subcommands(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"xnorkit.cli.{name}")
        own = module.parser()
        commands.add_subcommand(name, own, help=module.__doc__)
        if hasattr(module, "add_subcommands"):  # jsonargparse wants the outer level first
            module.add_subcommands(own)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arrange := {"predict": predict.arrange, "train": train.arrange}.get(words[0] if words else ""):
        words = [words[0], *arrange(words[1:])]
    options = parser.parse_args(words)
    try:
        with _warnings_in_a_line():
            import_module(f"xnorkit.cli.{options.command}").run(options[options.command])
    except XnorkitError as error:
        print(f"error: {_printable(error)}", file=sys.stderr)
        return USER_ERROR
    except ModuleNotFoundError as error:
        extra = "report" if error.name in ("matplotlib", "jinja2", "markupsafe") else "train"
        print(
            f"error: this command needs '{error.name}'; install it with: pip install 'xnorkit[{extra}]'",
            file=sys.stderr,
        )
        return USER_ERROR
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _printable(error: Exception) -> str:
    """Return what an error says, with escapes for what is not printable: some of it may come from a file."""
    from xnorkit.format import escaped

    return "\n".join(escaped(line) for line in str(error).split("\n"))


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
