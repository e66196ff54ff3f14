"""The README's headline table, from the same records as the report."""

import re
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.report.page import names
from xnorkit.report.page.cited import Cited, cite
from xnorkit.report.page.document import Cell, Inlines, Name, Paragraph, Table, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.findings import OWN, AccuracyPair, accuracy_pairs, call_time, fastest, own_runs, usual
from xnorkit.report.page.markdown import table_lines, text
from xnorkit.report.page.sections.accuracy import how
from xnorkit.report.page.sections.cells import NOT_RUN, column, named
from xnorkit.report.page.sections.found import proof
from xnorkit.report.page.shown import bytes_, percent, times, us
from xnorkit.report.records import Record

__all__ = ["headline", "headline_blocks", "place_headline"]

TEST = re.compile(r"\btest\b")  # as "test (official)"; "test_data" does not say that it is
START, END = "<!-- headline -->", "<!-- /headline -->"


def headline(records: Path) -> str:
    """Return the Markdown of the headline: accuracy and size of trained networks, then time of measured ones."""
    lines: list[str] = []
    for block in headline_blocks(Evidence(records)):
        lines += [*(table_lines(block) if isinstance(block, Table) else [text(block.content)]), ""]
    return "\n".join(lines).rstrip()


def place_headline(page: str, headline: str) -> str:
    """Return `page` with what stands between its headline marks replaced.

    Raises:
        InputError: the page does not have both marks, once each.
    """
    if page.count(START) != 1 or page.count(END) != 1:
        raise InputError(f"the page has no place for the headline; required: one {START} and one {END} after it.")
    before, rest = page.split(START)
    if END not in rest:
        raise InputError(f"{END} stands before {START}; required: after it.")
    return f"{before}{START}\n{headline}\n{END}{rest.split(END)[1]}"


def headline_blocks(evidence: Evidence) -> list[Table | Paragraph]:
    """Return the headline's blocks: tables of accuracy and of time, and the proof in between."""
    trained = _trained(evidence)
    proof = _proof(evidence)
    timed = _timed(evidence)
    return [block for block in (trained, proof, timed, *(_unmeasured(evidence) if timed else [])) if block]


def _trained(evidence: Evidence) -> Table | None:
    rows = [row for pair in accuracy_pairs(evidence) if not pair.in_part for row in _pair_rows(evidence, pair)]
    if not rows:
        return None
    titles = [column("", numeric=False), column("float32"), column("binary"), column("")]
    return Table("headline-trained", (), titles, rows)


def _pair_rows(evidence: Evidence, pair: AccuracyPair) -> list[list[Cell]]:
    which = say("{m}, {d}", m=names.short_model(pair.model), d=names.dataset(pair.dataset))
    accuracy = [
        Cell((*which, *_accuracy_words(pair))),
        Cell((percent(pair.full.mean),), how(pair.full)),
        Cell((percent(pair.binary.mean),), how(pair.binary)),
        Cell((names.family(pair.family),)),
    ]
    full = cite(evidence.one("memory", model=pair.model, family="float"), "weight_bytes")
    file = cite(evidence.one("memory", model=pair.model, family=pair.family), "file_bytes")
    if not (full and file):
        return [accuracy]
    smaller = say("{r} times smaller", r=times(full / file))
    return [
        accuracy,
        [Cell((*which, ": weights / file")), Cell((bytes_(full),)), Cell((bytes_(file),)), Cell(smaller)],
    ]


def _accuracy_words(pair: AccuracyPair) -> Inlines:
    """Return "test accuracy", or the name of the split where that is no test split."""
    records = [*pair.full.records, *pair.binary.records]
    splits = sorted({str(record.subject.get("split", "evaluation split")) for record in records})
    if all(TEST.search(split) for split in splits):
        return (": test accuracy",)
    return say(": accuracy on {s}", s=Name(" and ".join(splits)))


def _proof(evidence: Evidence) -> Paragraph | None:
    sentence = proof(evidence)
    return Paragraph(sentence) if sentence else None


def _timed(evidence: Evidence) -> Table | None:
    setting = usual(evidence)
    runs = [
        r
        for r in own_runs(evidence)
        if r.subject["family"] == "xnor" and all(r.subject[k] == v for k, v in setting.items())
    ]
    if not runs:
        return None
    columns = [
        column("batch {b}, {t}", numeric=False, b=Name(str(setting["batch"])), t=names.threads(setting["threads"])),
        column("xnorkit"),
        column("fastest float32"),
        column("fastest int8"),
        column("xnorkit, ideal"),
    ]
    return Table("headline-timed", (), columns, [_timed_row(evidence, run) for run in runs])


def _unmeasured(evidence: Evidence) -> list[Paragraph]:
    """The engines that are missing from the fastest, each with its reason."""
    models: dict[tuple[str, str], dict[str, None]] = {}
    for record in evidence.known("inference", **usual(evidence)):
        engine = str(record.subject["engine"])
        if record.status == "not run" and engine != OWN:
            key = (engine, record.reason.removeprefix(f"{engine}: "))
            models.setdefault(key, {})[str(record.subject["model"])] = None
    return [
        Paragraph(
            say(
                "Not measured, so not among the fastest: {engine} ({models}): {why}",
                engine=names.engine(engine),
                models=join([(names.model(name),) for name in found], "; "),
                why=Name(why),
            )
        )
        for (engine, why), found in models.items()
    ]


def _timed_row(evidence: Evidence, run: Record) -> list[Cell]:
    own, ideal = cite(run, call_time(evidence, run)), cite(run, "ideal_us")
    return [
        named(names.model(run.subject["model"])),
        Cell((us(own),)) if own else NOT_RUN,
        _peer(fastest(evidence, run, "_f32"), own),
        _peer(fastest(evidence, run, "_int8"), own),
        Cell((us(ideal),)) if ideal else NOT_RUN,
    ]


def _peer(found: tuple[str, Cited] | None, own: Cited | None) -> Cell:
    if found is None or own is None:
        return NOT_RUN
    note: Inlines = say("{r} times", r=times(found[1] / own))
    return Cell((us(found[1]),), note)
