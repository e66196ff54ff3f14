"""The README's headline table, from the same records as the report."""

import re
from collections.abc import Sequence
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.tables import Place
from xnorkit.report.page.templates import render

__all__ = ["headline", "place_headline"]

START, END = "<!-- headline -->", "<!-- /headline -->"


def headline(records: Path) -> str:
    """Return the Markdown of the headline: accuracy and size of trained networks, then time of measured ones."""
    evidence = Evidence(records)

    def left_out(places: Sequence[Place]) -> list[tuple[tuple[str, str], list[str]]]:
        """Return the engines that are missing from the fastest, with their reason, and the networks where."""
        found: dict[tuple[str, str], list[str]] = {}
        for place in places:
            for record in evidence.known("inference", model=place.model, threads=place.threads, batch=place.batch):
                engine = str(record.subject["engine"])
                if record.status == "not run" and engine != "xnorkit":
                    found.setdefault((engine, record.reason.removeprefix(f"{engine}: ")), []).append(place.model)
        return list(found.items())

    return render("headline.md.j2", evidence, left_out=left_out, is_test=_is_test).rstrip()


def place_headline(page: str, headline: str) -> str:
    """Return `page` with a new text between its headline marks.

    Raises:
        InputError: the page does not have both marks, once each, in their order.
    """
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end or page.count(START) + page.count(END) != 2:
        raise InputError(f"the page has no place for the headline, but needs one {START} and then one {END}. Add them.")
    return f"{before}{START}\n{headline}\n{END}{after}"


def _is_test(splits: Sequence[str]) -> bool:
    """Return whether all are test splits, such as "test (official)"; "test_data" need not be one."""
    return all(re.search(r"\btest\b", split) for split in splits)
