"""What commands print: a table or key-value lines for people, JSON on standard output for programs.

Names, classes and metadata come from files: what is not printable in them is shown as an escape.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from xnorkit.format import escaped

PIPE_WIDTH = 200

__all__ = ["print_json", "print_pairs", "print_table"]


def print_json(value: Any) -> None:
    """Print `value` as indented JSON."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()
) -> None:
    """Print rows under their columns, and notes below; numbers stand right, integers with separators of thousands."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[_text(cell) for cell in row] for row in rows]
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    for index, column in enumerate(columns):
        number = any(row[index] for row in cells) and all(_is_number(row[index]) for row in cells)
        table.add_column(column, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for row in cells:
        table.add_row(*row)
    # A file or a pipe has no width of its own: nothing is wrapped there.
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    console.print(Text(_lines(title), style="bold"))
    console.print(table)
    for note in notes:
        console.print(Text(_lines(note)))
    console.print()


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print one `name  value` line each, values aligned."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{escaped(name):<{width}}  {escaped(str(value))}")


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else escaped(str(cell))


def _lines(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("-", "") or cell.startswith("- [")  # a dash, with or without a mark
