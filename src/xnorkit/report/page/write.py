"""Writes the page: index.html, report.md and figures/ from the records of a folder."""

from dataclasses import dataclass
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.report.page.document import Document, Inlines, Name, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.html import to_html
from xnorkit.report.page.markdown import to_markdown
from xnorkit.report.page.publish import publish_records
from xnorkit.report.page.sections import SECTIONS
from xnorkit.report.page.sections.conditions import busy_experiments, seen
from xnorkit.report.page.svg import as_file

__all__ = ["PagePaths", "compose", "write_page"]

TITLE = "XNOR-Net, measured"


@dataclass(frozen=True)
class PagePaths:
    """Where the page was written."""

    html: Path
    markdown: Path
    figures: tuple[Path, ...]


def write_page(records: Path, output: Path) -> PagePaths:
    """Draw the page of the report folder `records` into `output` and return the files.

    `records` holds records.jsonl and, beside it, pictures/; `output` gets index.html (self-contained), report.md and
    figures/*.svg, and, if it is another folder, a copy of both (`publish_records`), from which it is drawn. Figures of
    an earlier page that this one does not have are removed. The same records give the same bytes, with the same
    version of matplotlib.

    Raises:
        InputError: there are no records, or the folder cannot be written.
    """
    folder = output / "figures"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if output.resolve() != records.resolve():
            publish_records(records, output)
        document = compose(output)
        html, markdown = output / "index.html", output / "report.md"
        html.write_text(to_html(document), encoding="utf-8")
        markdown.write_text(to_markdown(document), encoding="utf-8")
        for old in set(folder.glob("*.svg")) - {folder / f"{name}.svg" for name in document.figures()}:
            old.unlink()
        drawn = tuple(folder / f"{name}.svg" for name in document.figures())
        for path, figure in zip(drawn, document.figures().values(), strict=True):
            path.write_text(as_file(figure.svg), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}); required: a writable folder.") from error
    return PagePaths(html, markdown, drawn)


def compose(records: Path) -> Document:
    """Return the page of a report folder before it is written in any form."""
    evidence = Evidence(records)
    sections = [section for make in SECTIONS for section in make(evidence)]
    return Document(TITLE, _subtitle(evidence), _warnings(evidence), sections)


def _subtitle(evidence: Evidence) -> Inlines:
    parts = [join([(Name(value),) for value in seen(evidence, key)], "; ") for key in ("cpu", "isa")]
    dates = sorted(date[:10] for date in seen(evidence, "date"))
    if dates:
        parts.append((Name(dates[-1]),))
    known = [part for part in parts if part]
    return say("Binary and float networks on one machine. ") + join(known, " · ")


def _warnings(evidence: Evidence) -> list[Inlines]:
    lines = []
    if seen(evidence, "mode") == ["quick"]:
        lines.append(
            say(
                "This is a quick run: small data, few epochs, few points, short measurements. It shows that "
                "everything works; for figures to quote, run the full report."
            )
        )
    if busy_experiments(evidence):
        lines.append(say("Other programs ran during some of the measurements; see the conditions at the end."))
    return lines
