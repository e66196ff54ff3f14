"""What commands print: a table or key-value lines for people, JSON on standard output for programs.

Names, classes and metadata come from files: what is not printable in them is shown as an escape.
"""

import json
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from xnorkit.format import escaped

PIPE_WIDTH = 200
LEAST_WIDTH = 20
LONGEST_NUMBER = 12

__all__ = ["print_json", "print_pairs", "print_table", "print_text"]


def print_json(value: Any) -> None:
    """Print `value` as indented JSON."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()
) -> None:
    """Print rows under their columns, and notes below; numbers stand right, integers with separators of thousands.

    Only whole words move to the next line. Where the words of a row are too wide for the terminal side by side, each
    row is a block of lines, one per column.
    """
    from rich.console import Console
    from rich.text import Text

    cells = [[_text(cell) for cell in row] for row in rows]
    console = Console(width=_width(), highlight=False)
    console.print(Text(_lines(title), style="bold"))
    least = [_least(column, [row[index] for row in cells]) for index, column in enumerate(columns)]
    gap = next((gap for gap in (2, 1) if sum(least) + gap * len(least) <= console.width), None)
    if gap:
        whole = [max(map(len, (column, *(row[index] for row in cells)))) for index, column in enumerate(columns)]
        console.print(_table(columns, cells, _widths(least, whole, console.width - gap * len(least)), gap))
    else:
        for row in cells:
            console.print(Text(f"\n{row[0]}"))
            for column, cell in zip(columns[1:], row[1:], strict=True):
                console.print(Text(f"  {column}: {cell}"), overflow="fold")
    for note in notes:
        console.print(Text(_lines(note)))
    console.print()


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]], widths: Sequence[int], gap: int) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, padding=(0, gap - 1, 0, 0), show_edge=False)
    for index, column in enumerate(columns):
        number = any(row[index] for row in cells) and all(_is_number(row[index]) for row in cells)
        table.add_column(column, justify="right" if number else "left", overflow="fold", width=widths[index])
    for row in cells:
        table.add_row(*row)
    return table


def _widths(least: Sequence[int], whole: Sequence[int], room: int) -> list[int]:
    """Return the width of each column, from `least` up to `whole`: those that lack least for it are served first."""
    widths, spare = list(least), room - sum(least)
    order = sorted(range(len(least)), key=lambda index: whole[index] - least[index])
    for served, index in enumerate(order):
        given = min(whole[index] - least[index], spare // (len(order) - served))
        widths[index] += given
        spare -= given
    return widths


def _width() -> int | None:
    """Return the columns of the output: those of a terminal, which rich finds; a file or a pipe has many."""
    return None if sys.stdout.isatty() else PIPE_WIDTH


def _least(column: str, cells: Sequence[str]) -> int:
    """Return the columns that the words of a column need; a short number with its ratio is one word."""
    words = [word for text in (column, *cells) for word in text.split()]
    words += [cell for cell in cells if _is_number(cell) and len(cell) <= LONGEST_NUMBER]
    return max(map(len, words), default=1)


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print one `name  value` line each, values aligned; on a terminal, a value wraps whole words."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        first, *others = _wrapped(escaped(str(value)), width + 2)
        print(f"{escaped(name):<{width}}  {first}")
        for line in others:
            print(" " * (width + 2) + line)


def print_text(text: str) -> None:
    """Print lines; on a terminal, those that are longer wrap whole words, two columns farther right."""
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        first, *others = _wrapped(escaped(line.lstrip()), indent + 2)
        print(" " * indent + first, *(" " * (indent + 2) + other for other in others), sep="\n")


def _wrapped(text: str, indent: int) -> list[str]:
    """Return a text as lines that fit a terminal behind `indent` columns; one line in a file or a pipe."""
    if not sys.stdout.isatty():
        return [text]
    room = max(LEAST_WIDTH, shutil.get_terminal_size().columns - indent)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else escaped(str(cell))


def _lines(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("-", "") or cell.startswith("- [")  # a dash, with or without a mark
