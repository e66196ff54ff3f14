"""The page as Markdown: plain tables, figures linked as files."""

import re

from xnorkit.report.page.document import (
    Block,
    Bullets,
    Cell,
    Code,
    Document,
    Figure,
    Inline,
    Inlines,
    Name,
    Paragraph,
    Table,
)

ESCAPED = re.compile(r"[<*`]|(?<!\w)_|_(?!\w)")
"""What a name may hold that Markdown would take for its own."""

__all__ = ["table_lines", "text", "to_markdown"]


def to_markdown(document: Document, figures: str = "figures") -> str:
    """Return the document as Markdown; figures are linked as `figures`/NAME.svg."""
    lines = [f"# {document.title}", "", text(document.subtitle), ""]
    for warning in document.warnings:
        lines += [f"> **Note.** {text(warning)}", ""]
    for section in document.sections:
        lines += [f"{'#' * section.level} {text(section.title)}", ""]
        for block in section.blocks:
            lines += _block(block, figures)
    return "\n".join(lines).rstrip() + "\n"


def table_lines(table: Table) -> list[str]:
    """Return the table's rows as Markdown, without caption and notes."""
    marks = ["---:" if column.numeric else "---" for column in table.columns]
    return [
        f"| {' | '.join(_cell_text(column.title) for column in table.columns)} |",
        f"|{'|'.join(marks)}|",
        *(f"| {' | '.join(map(_cell, row))} |" for row in table.rows),
    ]


def _block(block: Block, figures: str) -> list[str]:
    if isinstance(block, Paragraph):
        return [text(block.content), ""]
    if isinstance(block, Bullets):
        return [*(f"- {text(item)}" for item in block.items), ""]
    if isinstance(block, Figure):
        return [f"![{block.alt}]({figures}/{block.name}.svg)", "", f"*{text(block.caption)}*", ""]
    notes = [f"- {text(note)}" for note in block.remarks()]
    body = [*table_lines(block), ""]
    if block.folded:
        head = ['<details markdown="1">', f"<summary>{text(block.caption)}</summary>", ""]
        body = [*head, *body, "</details>", ""]
    else:
        body = [f"*{text(block.caption)}*", "", *body]
    return [*body, *notes, *([""] if notes else [])]


def _cell(cell: Cell) -> str:
    content = _cell_text(cell.content)
    return f"{content} ({_cell_text(cell.note)})" if cell.note else content


def _cell_text(inlines: Inlines) -> str:
    return text(inlines).replace("|", "\\|")


def text(inlines: Inlines) -> str:
    """Return words and numbers as Markdown."""
    return "".join(map(_inline, inlines))


def _inline(inline: Inline) -> str:
    if isinstance(inline, Code):
        return f"`{inline.text}`"
    return ESCAPED.sub(r"\\\g<0>", inline.text) if isinstance(inline, Name) else str(inline)
