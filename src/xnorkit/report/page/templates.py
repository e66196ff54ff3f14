"""Fill a template with the records: page.html.j2 or report.md.j2, which share text.j2, or headline.md.j2."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from xnorkit.report.page import names, numbers, tables
from xnorkit.report.page.conditions import conditions, load, not_run, unfinished
from xnorkit.report.page.drawings import curves
from xnorkit.report.page.evidence import Evidence, busy
from xnorkit.report.page.numbers import Cited, cite
from xnorkit.report.records import Record

__all__ = ["render"]

SOURCE = "Rastegari et al., ECCV 2016"
DASH = "–"
"""The cell of a value that does not exist; a value that was not measured reads "not run"."""
REMARK = f"{DASH} does not apply, or is not part of this study."
MARKDOWN = re.compile(r"[<*`|]|(?<!\w)_|_(?!\w)")
"""The characters of a name that Markdown would interpret."""


class _Html:
    """The form of a number (with its value and source), a name and a command in HTML."""

    autoescape = True
    text = Markup

    def number(self, kind: str, value: Cited) -> str:
        text, unit = numbers.written(kind, value)
        data = Markup('<data value="{}" data-source="{}">{}{}</data>')
        return data.format(repr(float(value)), value.source, text, Markup("&nbsp;{}").format(unit) if unit else "")

    def name(self, text: object) -> str:
        return Markup('<span class="name">{}</span>').format(text) if text != "" else Markup("")

    def code(self, text: str) -> str:
        return Markup("<code>{}</code>").format(text)


class _Markdown:
    """The form of a number, a name and a command in Markdown."""

    autoescape = False
    text = str

    def number(self, kind: str, value: Cited) -> str:
        return " ".join(filter(None, numbers.written(kind, value)))

    def name(self, text: object) -> str:
        return MARKDOWN.sub(r"\\\g<0>", str(text))

    def code(self, text: str) -> str:
        return f"`{text}`"


def render(template: str, evidence: Evidence, **more: Any) -> str:
    """Return the page of the records from a template; `more` holds what only this template needs."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    form = _Html() if template.endswith("html.j2") else _Markdown()
    loader = PackageLoader("xnorkit.report.page", ".")
    environment = Environment(
        loader=loader, autoescape=form.autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= _filters(form)
    environment.tests["unmeasured"] = tables.Place.unmeasured
    text = environment.get_template(template).render(**_tables(evidence), **_notes(form, evidence), **more)
    return text if form.autoescape else re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _filters(form: _Html | _Markdown) -> dict[str, Any]:
    def show(value: Cited | None, kind: str) -> str:
        return "" if value is None else form.number(kind, value)

    def span(values: Sequence[Cited], kind: str = "times") -> str:
        """Write "5.7 to 14.9", or a single number if both ends read alike."""
        ends = [min(values), max(values)] if values else []
        texts = {numbers.written(kind, end): form.number(kind, end) for end in ends}
        return form.text(" to ").join(texts.values())

    def squeeze(text: str) -> str:
        return form.text(re.sub(r"[ \n]+", " ", text).strip())

    def call(naming: Callable[[str], str], value: str) -> str:
        return form.name(naming(value))

    called = ("model", "short_model", "dataset", "family", "engine", "variant", "threads")
    return {
        **{kind: partial(show, kind=kind) for kind in numbers.KINDS},
        **{each: partial(call, getattr(names, each)) for each in called},
        "name": form.name,
        "code": form.code,
        "span": span,
        "squeeze": squeeze,
        "cited": cite,
        "how_many": numbers.count,
        "total": numbers.total,
        "headings": lambda text: re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', text),
        "leads": lambda places, ending: [lead for place in places if (lead := place.lead(ending))],
    }


def _notes(form: _Html | _Markdown, evidence: Evidence) -> dict[str, Any]:
    """Return the functions that write the lines below a table."""

    def notes(rows: str, remarks: Iterable[str] = ()) -> list[str]:
        return [*([REMARK] if DASH in rows else []), *remarks]

    def missing(records: Iterable[Record]) -> list[str]:
        found = [(form.name(reason), form.code(command)) for reason, command in not_run(evidence, records)]
        return [form.text("Not run ({}): {}").format(*each) for each in found]

    def remarks(records: Sequence[Record]) -> list[str]:
        said = {(r.subject["engine"], r.subject["remark"]) for r in records if "remark" in r.subject}
        lines = [form.name(f"{names.engine(str(engine))}: {remark}.") for engine, remark in sorted(said)]
        absent = any(r.status == "not run" and r.subject["engine"] != "xnorkit" for r in records)
        return lines + ["Fastest: of the engines that were measured."] * absent

    def missing_engines(sweep: tables.Sweep) -> list[str]:
        found = sweep.unmeasured.items()
        return [form.name(f"Not measured at {', '.join(sizes)}: {reasons}") for reasons, sizes in found]

    return {"notes": notes, "missing": missing, "remarks": remarks, "missing_engines": missing_engines}


def _tables(evidence: Evidence) -> dict[str, Any]:
    found = tables.places(evidence)
    entries = json.loads((files(__package__) / "paper.json").read_text(encoding="utf-8"))
    printed = {entry["id"]: entry["values"] for entry in entries}

    def paper(entry: str, name: str) -> Cited:
        return Cited(printed[entry][name], f"[{entry}|{name}]")

    def paper_points(figure: str, across: str) -> dict[float, Cited]:
        points = [entry for entry in printed if entry.startswith(f"{figure}/")]
        return {printed[entry][across]: paper(entry, "speedup") for entry in points}

    return {
        "e": evidence,
        "DASH": DASH,
        "SOURCE": SOURCE,
        "OWN": tables.OWN,
        "GROWTH": tables.GROWTH,
        "paper": paper,
        "paper_points": paper_points,
        "ratio": numbers.ratio,
        "difference": numbers.difference,
        "busy": busy,
        "families": tables.families,
        "networks": tables.networks,
        "accuracies": partial(tables.accuracies, evidence),
        "sources": set(map(tables.source, evidence.of("accuracy"))),
        "best_points": tables.best_points,
        "rival": tables.rival,
        "pairs": tables.pairs(evidence),
        "sizes": tables.file_ratios(evidence),
        "slower": tables.step_ratios(evidence),
        "step_path": tables.step_path(evidence),
        "places": found,
        "usual": tables.usual(found),
        "columns": tables.columns(found),
        "sweeps": {experiment: tables.sweep(evidence, experiment) for experiment in tables.SWEEPS},
        "curves": curves(evidence),
        "variants": {experiment: tables.variants(evidence, experiment) for experiment in tables.BASES},
        "unequal_variants": {
            experiment: tables.variants(evidence, experiment, equal=False) for experiment in tables.BASES
        },
        "conditions": conditions,
        "load": load,
        "unfinished": unfinished,
    }
