"""Tables of text in `<div class="cards" markdown>`: on a narrow page each row is a card, whose cells name columns."""

import re
from typing import Any

TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
CARDS = re.compile(r'<div class="cards">.*?</div>', re.DOTALL)


def labelled(table: str) -> str:
    """Return a table whose cells carry the heading of their column as `data-label`."""
    labels = [re.sub("<.*?>", "", cell) for cell in re.findall(r"<th(?: [^>]*)?>(.*?)</th>", table, re.DOTALL)]
    head, body, rest = table.partition("<tbody>")

    def row(match: re.Match[str]) -> str:
        names = iter(labels)
        return re.sub("<td", lambda _: f'<td data-label="{next(names)}"', match[0])

    return head + body + re.sub(r"<tr>.*?</tr>", row, rest, flags=re.DOTALL)


def on_page_content(text: str, **_: Any) -> str:
    """Label the tables of each such box; the style sheet shows the labels on narrow pages."""
    return CARDS.sub(lambda box: TABLE.sub(lambda table: labelled(table[0]), box[0]), text)
