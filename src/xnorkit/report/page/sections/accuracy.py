"""Table 1: accuracy, float and binary, and the proof that the packed file is the trained network."""

from xnorkit.report.page import names
from xnorkit.report.page.cited import cite, count
from xnorkit.report.page.document import (
    Bullets,
    Cell,
    Code,
    Inlines,
    Name,
    Paragraph,
    Section,
    Status,
    Table,
    join,
    say,
)
from xnorkit.report.page.evidence import Evidence, Seeds
from xnorkit.report.page.findings import trainings
from xnorkit.report.page.paper import SOURCE, paper
from xnorkit.report.page.sections.cells import NONE, NOT_RUN, absent, column, named, not_run_notes
from xnorkit.report.page.shown import count_, percent, points
from xnorkit.report.records import Record

__all__ = ["how", "sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section of accuracy."""
    title = say("Accuracy")
    known = evidence.known("accuracy")
    if not known:
        return [Section("accuracy", title, [absent(evidence, "accuracy")])]
    return [Section("accuracy", title, [_table(evidence, known), *_proofs(evidence), _published()])]


def _table(evidence: Evidence, known: list[Record]) -> Table:
    families = [f for f in ("float", "bwn", "xnor") if any(r.subject.get("family") == f for r in known)]
    families += sorted({str(r.subject["family"]) for r in known} - set(families))
    keys = dict.fromkeys((str(r.subject["dataset"]), str(r.subject["model"])) for r in known)
    rows = [_row(evidence, dataset, model, families) for dataset, model in keys]
    caption = say(
        "Table {n}. Top-{one} accuracy on the split of each data set that no training has seen. Float: the same "
        "network with float32 weights and inputs. {bwn}: binary weights, float inputs. The others: binary weights "
        "and inputs, first and last layers float. Packed: the exported file, run by the engine. The mean where there "
        "are several seeds.",
        n=Name("1"),
        one=Name("1"),
        bwn=Name("BWN"),
    )
    columns = [
        column("network", numeric=False),
        *(column("{f}", f=names.family(family)) for family in families),
        column("binary − float"),
        column("packed file"),
    ]
    return Table("accuracy", caption, columns, rows, not_run_notes([*known, *evidence.known("deployed")], "accuracy"))


def _row(evidence: Evidence, dataset: str, model: str, families: list[str]) -> list[Cell]:
    found = {family: trainings(evidence, dataset, model, family) for family in families}
    cells = [_cell(evidence, dataset, model, family, found[family]) for family in families]
    split = next(
        (r.subject for r in evidence.known("accuracy", dataset=dataset, model=model) if "split" in r.subject), {}
    )
    binary = next((f for f in ("xnor", *families) if f not in ("float", "bwn") and found.get(f)), None)
    difference = NOT_RUN
    if binary and found.get("float"):
        trained, full = found[binary][0], found["float"][0]
        unfinished = trained.in_part or full.in_part
        note = say("{f}{u}", f=names.family(binary), u=", unfinished" if unfinished else "")
        status: Status = "in part" if unfinished else "measured"
        difference = Cell((points(trained.mean - full.mean, signed=True),), note, status)
    data = (names.dataset(dataset),)
    where = say("{data}, {split}", data=data, split=Name(str(split["split"]))) if "split" in split else data
    return [named(names.short_model(model), where), *cells, difference, _packed(evidence, dataset, model)]


def _cell(evidence: Evidence, dataset: str, model: str, family: str, found: list[Seeds]) -> Cell:
    if not found:
        planned = evidence.missing("accuracy", dataset=dataset, model=model, family=family)
        return NOT_RUN if planned else NONE
    trained = found[0]
    return Cell((percent(trained.mean),), how(trained), "in part" if trained.in_part else "measured")


def how(trained: Seeds) -> Inlines:
    """Return epochs, seeds and their extremes, in a few words."""
    record = trained.records[0]
    epochs, planned = cite(record, "epochs"), cite(record, "epochs_planned")
    if trained.in_part and epochs and planned:
        return say("after {epochs} of {planned} epochs", epochs=count_(epochs), planned=count_(planned))
    length = say("{epochs} epochs", epochs=count_(epochs)) if epochs else ()
    if len(trained.values) == 1:
        return join([part for part in (length, say("one seed")) if part])
    low, high = trained.extremes
    spread = say("{n} seeds, {low} to {high}", n=count_(count(trained.values)), low=percent(low), high=percent(high))
    return join([part for part in (length, spread) if part])


def _packed(evidence: Evidence, dataset: str, model: str) -> Cell:
    """Accuracy of the packed file of the XNOR network, else of another binary family."""
    found = evidence.of("deployed", dataset=dataset, model=model)
    for record in sorted(found, key=lambda record: record.subject["family"] != "xnor"):
        top1 = cite(record, "top1")
        if top1:
            return Cell((percent(top1),), (names.family(record.subject["family"]),))
    return NOT_RUN


def _proofs(evidence: Evidence) -> list[Paragraph | Bullets]:
    records = evidence.of("deployed")
    if not records:
        return [absent(evidence, "deployed", "The proof that packed files equal the trained networks was not run.")]
    opening = say(
        "Trained against deployed: each binary layer of the packed file is fed with the trained network's own bits "
        "and must give the same integers; then both run end to end, where a float first layer may round differently "
        "and flip a sign."
    )
    return [Paragraph(opening), Bullets([_proof(record) for record in records])]


def _published() -> Paragraph:
    """What the paper reports on data that is not measured here."""
    parts = [
        say(
            "{model} {full} in float32, {bwn} as {weights}, {xnor} as {both}",
            model=names.short_model(model),
            full=percent(paper(f"paper/imagenet/{model}/float", "top1"), 1),
            bwn=percent(paper(f"paper/imagenet/{model}/bwn", "top1"), 1),
            xnor=percent(paper(f"paper/imagenet/{model}/xnor", "top1"), 1),
            weights=names.family("bwn"),
            both=names.family("xnor"),
        )
        for model in ("alexnet", "resnet18")
    ]
    words = "For comparison, the paper ({source}) reports on {data}: {parts}."
    return Paragraph(say(words, source=Name(SOURCE), data=names.dataset("imagenet"), parts=join(parts, "; ")))


def _proof(record: Record) -> Inlines:
    values = {name: cite(record, name) for name in record.values}
    subject = record.subject
    head = say(
        "{model} on {data}, {family}: ",
        model=names.short_model(subject["model"]),
        data=names.dataset(subject.get("dataset", "")),
        family=names.family(subject["family"]),
    )
    parts = []
    equal, total = values.get("integers_equal"), values.get("integers")
    if equal and total and total.value:
        same = "all {total} integers equal" if equal.value == total.value else "only {equal} of {total} integers equal"
        parts.append(say(same, total=count_(total), equal=count_(equal)))
    flipped, signs = values.get("signs_flipped"), values.get("signs")
    if flipped and signs and signs.value:
        parts.append(say("{flipped} of {signs} signs flipped end to end", flipped=count_(flipped), signs=count_(signs)))
    equal, total = values.get("predictions_equal"), values.get("proof_images") or cite(record, "images")
    if equal and total:
        same = "all {total} predictions equal" if equal.value == total.value else "{equal} of {total} predictions equal"
        parts.append(say(same, total=count_(total), equal=count_(equal)))
    if not parts:
        return head + say("not run: {command}", command=Code(record.command))
    return head + join(parts, "; ") + (".",)
