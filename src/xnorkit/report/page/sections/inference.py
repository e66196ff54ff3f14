"""Table 4: inference time, engine against engine."""

from collections.abc import Sequence

from xnorkit.report.page import names
from xnorkit.report.page.cited import Cited, cite
from xnorkit.report.page.document import Cell, Inlines, Name, Section, Table, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.findings import OWN, call_time, fastest
from xnorkit.report.page.sections.cells import NONE, NOT_RUN, absent, column, named, not_run_notes
from xnorkit.report.page.sections.conditions import machine
from xnorkit.report.page.shown import times, us
from xnorkit.report.records import Record

__all__ = ["sections"]

ORDER = (
    *("torch_f32", "torch_compile_f32", "onnxruntime_f32", "openvino_f32"),
    *("onnxruntime_int8", "openvino_int8"),
)


def sections(evidence: Evidence) -> list[Section]:
    """Return the section of inference time."""
    known = evidence.known("inference")
    return [
        Section(
            "inference", say("Inference time"), [_table(evidence, known) if known else absent(evidence, "inference")]
        )
    ]


def _table(evidence: Evidence, known: Sequence[Record]) -> Table:
    engines = {str(record.subject["engine"]) for record in known} - {OWN}
    ordered = [engine for engine in ORDER if engine in engines] + sorted(engines - set(ORDER))
    places = dict.fromkeys((r.subject["model"], r.subject["threads"], r.subject["batch"]) for r in known)
    rows = [_row(evidence, dict(zip(("model", "threads", "batch"), place, strict=True)), ordered) for place in places]
    caption = say(
        "Table {n}. Time of one call, from the array to the logits, all engines in turns in one run, medians (minima "
        "where marked, as other programs ran). xnorkit runs the {xnor} network on bits; the others run the float32 "
        "network, or its 8-bit form. Beside each time: how many times as long as xnorkit. Ideal: the network's "
        "binary multiply-adds at the measured peak of xor and popcount, float ones at the peak of fused multiply-add, "
        "weights at the bandwidth of memory. Weights are random: time does not depend on them. {machine}.",
        n=Name("4"),
        machine=machine(evidence),
        xnor=Name("XNOR"),
    )
    columns = [
        column("network", numeric=False),
        column("{e}", e=say("{x} {f}", x=Name("xnorkit"), f=Name("XNOR"))),
        column("ideal"),
        *(column("{e}", e=names.engine(engine)) for engine in ordered),
        column("fastest float32 over xnorkit"),
        *(column("xnorkit {f}", f=names.family(family)) for family in _families(known)),
    ]
    return Table("inference", caption, columns, rows, [*_remarks(known), *not_run_notes(known, "inference")])


def _remarks(known: Sequence[Record]) -> list[Inlines]:
    """What is to be known of an engine, and of the fastest where some were not measured."""
    found = dict.fromkeys((str(r.subject["engine"]), str(r.subject["remark"])) for r in known if "remark" in r.subject)
    lines = [say("{e}: {remark}.", e=names.engine(engine), remark=Name(remark)) for engine, remark in found]
    if any(record.status == "not run" and record.subject["engine"] != OWN for record in known):
        lines.append(say("Fastest: of the engines that were measured."))
    return lines


def _families(known: Sequence[Record]) -> list[str]:
    found = {str(record.subject.get("family")) for record in known if record.subject["engine"] == OWN}
    return sorted(found - {"xnor"})


def _row(evidence: Evidence, place: dict[str, str | int | float], engines: Sequence[str]) -> list[Cell]:
    own = evidence.one("inference", engine=OWN, family="xnor", **place)
    name = call_time(evidence, evidence.known("inference", **place)[0])
    median = cite(own, name)
    setting = say(
        "batch {batch}, {threads}{which}",
        batch=Name(str(place["batch"])),
        threads=names.threads(place["threads"]),
        which=", minima" if name == "min_us" else "",
    )
    cells = [
        named(names.model(place["model"]), setting),
        _time(evidence, {**place, "engine": OWN, "family": "xnor"}, None),
    ]
    ideal = cite(own, "ideal_us")
    cells.append(Cell((us(ideal),)) if ideal else NOT_RUN)
    cells += [_time(evidence, {**place, "engine": engine}, median) for engine in engines]
    best = fastest(evidence, own, "_f32") if own else None
    cells.append(Cell((times(best[1] / median),), (names.engine(best[0]),)) if best and median else NOT_RUN)
    families = _families(evidence.known("inference"))
    return cells + [_time(evidence, {**place, "engine": OWN, "family": family}, median) for family in families]


def _time(evidence: Evidence, subject: dict[str, str | int | float], own: Cited | None) -> Cell:
    record = evidence.one("inference", **subject)
    median = cite(record, call_time(evidence, record)) if record else None
    if median is None:
        return NOT_RUN if evidence.missing("inference", **subject) else NONE
    return Cell((us(median),), say("{ratio} times", ratio=times(median / own)) if own else ())
