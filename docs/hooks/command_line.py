"""docs/command-line.md: what each command takes, written from the parsers themselves."""

import argparse
from importlib import import_module
from types import ModuleType
from typing import Any

from mkdocs.structure.files import File, Files

from xnorkit.cli.main import COMMANDS

PAGE = "command-line.md"
HEAD = """# Command line

Each command also takes `--help`, and its options stand anywhere among its other arguments. A mistake ends with exit
code 2 and one line that says what to do. The site writes this page from the parsers of the commands.
"""


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, by its name on the command line."""
    found = {}
    for name in COMMANDS:
        module: ModuleType = import_module(f"xnorkit.cli.{name}")
        own = {f"{name} {word}": module.command(word) for word in module.COMMANDS} if name == "bench" else {}
        found |= own or {name: module.parser()}
    return found


def page() -> str:
    """Return the page: for each command a line, and a table of its arguments."""
    return "\n".join([HEAD, *(_section(name, parser) for name, parser in parsers().items())])


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    rows = [_row(action) for action in parser._actions if action.dest != "help"]
    table = ["| argument | meaning |", "|---|---|", *rows] if rows else ["It takes no arguments."]
    return "\n".join([f"## xnorkit {name}", "", parser.description or "", "", *table, ""])


def _row(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    value += "..." if action.nargs in ("*", "+") else ""
    words = f"{', '.join(action.option_strings)} {value}".strip()
    return f"| `{words}` | {(action.help or '').replace('|', chr(92) + '|')} |"


def on_files(files: Files, config: Any) -> Files:
    """Add the page to the site."""
    files.append(File.generated(config, PAGE, content=page()))
    return files
