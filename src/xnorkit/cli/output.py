"""What commands print: a table or key-value lines for people, JSON on standard output for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["print_json", "print_pairs", "print_table"]


def print_json(value: Any) -> None:
    """Print `value` as indented JSON."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns; numbers stand right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        number = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(soft_wrap=True).print(table)


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print one `name  value` line each, values aligned."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {value}")


def _is_number(cell: object) -> bool:
    return str(cell)[:1].isdigit() or str(cell) in ("-", "")
