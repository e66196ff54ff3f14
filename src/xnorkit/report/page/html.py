"""The page as one HTML file: style and figures inside, no script, nothing loaded."""

from importlib.resources import files

from markupsafe import Markup, escape

from xnorkit.report.page.document import Code, Document, Inline, Inlines, Name
from xnorkit.report.page.theme import page_style

__all__ = ["to_html"]


def to_html(document: Document) -> str:
    """Return the document as a self-contained page; each number is a `data` element with its value and source."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("xnorkit.report.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["inlines"] = _inlines
    style = page_style() + (files(__package__) / "style.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(page=document, style=Markup(style), svg=Markup)


def _inlines(inlines: Inlines) -> Markup:
    return Markup("").join(map(_inline, inlines))


def _inline(inline: Inline) -> Markup:
    if isinstance(inline, str):
        return escape(inline)
    if isinstance(inline, Name):
        return Markup('<span class="name">{}</span>').format(inline.text)
    if isinstance(inline, Code):
        return Markup("<code>{}</code>").format(inline.text)
    unit = Markup("&nbsp;{}").format(inline.unit) if inline.unit else ""
    return Markup('<data value="{}" data-source="{}">{}{}</data>').format(
        repr(inline.value), inline.source, inline.text, unit
    )
