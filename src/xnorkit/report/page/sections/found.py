"""What was found, in one paragraph."""

from xnorkit.report.page import sentences
from xnorkit.report.page.cited import cite, total
from xnorkit.report.page.document import Code, Inlines, Paragraph, Section, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.findings import (
    AccuracyPair,
    accuracy_pairs,
    duels,
    point_sweep,
    quiet_step_ratios,
    sizes,
    usual,
)
from xnorkit.report.page.shown import count_

__all__ = ["proof", "sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section that opens the page."""
    found: list[Inlines] = [sentences.accuracy(pair) for pair in _one_per_dataset(evidence)]
    found += [sentences.file_sizes(sizes(evidence))] if sizes(evidence) else []
    proved = proof(evidence)
    found += [proved] if proved else []
    said = False
    for ending, kind in (("_f32", "float32"), ("_int8", "int8")):
        best = duels(evidence, ending, **usual(evidence))
        found += [sentences.duel_sentence(best, kind, again=said)] if best else []
        said = said or bool(best)
    sweep = point_sweep(evidence, "channels", "channels")
    peak = sentences.steepest(sweep, "input channels") if sweep else None
    found += [peak] if peak else []
    steps = [ratio for _, ratio in quiet_step_ratios(evidence)]
    if steps:
        found.append(
            say(
                "A training step of the binary network takes {span} times as long as the float one.",
                span=sentences.span(steps),
            )
        )
    if not found:
        found = [say("Nothing that could be compared was measured yet; {c} measures it.", c=Code("xnorkit report"))]
    return [Section("found", say("What was found"), [Paragraph(join(found, " "), "lead")])]


def _one_per_dataset(evidence: Evidence) -> list[AccuracyPair]:
    """The finished pair of each data set before the unfinished ones."""
    chosen: dict[str, AccuracyPair] = {}
    for pair in accuracy_pairs(evidence):
        chosen.setdefault(pair.dataset, pair)
    return list(chosen.values())


def proof(evidence: Evidence) -> Inlines | None:
    """Whether every packed file gave the trained network's integers."""
    records = [r for r in evidence.of("deployed") if cite(r, "integers") and cite(r, "integers_equal")]
    if not records:
        return None
    integers = total([value for r in records if (value := cite(r, "integers"))])
    equal = total([value for r in records if (value := cite(r, "integers_equal"))])
    if integers.value == equal.value:
        return say(
            "Packed and trained networks agree: all {n} integers of the binary layers are equal, layer by layer.",
            n=count_(integers),
        )
    return say(
        "Packed and trained networks disagree: only {k} of {n} integers of the binary layers are equal.",
        k=count_(equal),
        n=count_(integers),
    )
