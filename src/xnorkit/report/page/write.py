"""Write the page, index.html, report.md and figures/, from the records of a folder."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.report.page.drawings import drawings
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.publish import publish_records
from xnorkit.report.page.svg import as_file, colour_variables
from xnorkit.report.page.templates import render

__all__ = ["PagePaths", "write_page"]


@dataclass(frozen=True)
class PagePaths:
    """The files of the page."""

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
        InputError: there are no records, or the folder is not writable.
    """
    folder = output / "figures"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if output.resolve() != records.resolve():
            publish_records(records, output)
        evidence = Evidence(output)
        drawn = drawings(evidence)
        paths = PagePaths(output / "index.html", output / "report.md", tuple(folder / f"{name}.svg" for name in drawn))
        sheet = colour_variables(":root") + (files(__package__) / "style.css").read_text(encoding="utf-8")
        html = render("page.html.j2", evidence, drawings=drawn, stylesheet=sheet)
        paths.html.write_text(html, encoding="utf-8")
        paths.markdown.write_text(render("report.md.j2", evidence, drawings=drawn), encoding="utf-8")
        for old in set(folder.glob("*.svg")) - set(paths.figures):
            old.unlink()
        for path, drawing in zip(paths.figures, drawn.values(), strict=True):
            path.write_text(as_file(drawing.svg), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}). Choose a writable folder.") from error
    return paths
