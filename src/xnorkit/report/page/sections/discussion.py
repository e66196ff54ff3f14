"""The discussion: what holds, why the paper's factor is a count, advantages and limits."""

from xnorkit.report.page import names, sentences
from xnorkit.report.page.cited import cite
from xnorkit.report.page.claims import claims
from xnorkit.report.page.document import Bullets, Code, Inlines, Paragraph, Section, say
from xnorkit.report.page.evidence import Evidence, command
from xnorkit.report.page.findings import accuracy_pairs, duels, point_sweep, sizes, step_ratios, usual
from xnorkit.report.page.paper import paper
from xnorkit.report.page.shown import count_, gmacs, times

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section and its four parts."""
    decided = claims(evidence)
    # What holds first, each group in the paper's order.
    lines = [claim.line for claim in sorted(decided, key=lambda claim: not claim.holds)]
    nothing = [say("No claim can be decided yet; {c} measures what is needed.", c=Code("xnorkit report"))]
    return [
        Section("discussion", say("Discussion"), []),
        Section("holds", say("What holds, and what does not"), [Bullets(lines or nothing)], 3),
        Section(
            "count", say("Why the paper's factor is a count and not a time"), [*map(Paragraph, _count(evidence))], 3
        ),
        Section("advantages", say("Advantages"), [Bullets(_advantages(evidence))], 3),
        Section("limits", say("Limits"), [Bullets(_limits(evidence))], 3),
    ]


def _count(evidence: Evidence) -> list[Inlines]:
    claim = paper("paper/claims", "speedup")
    formula = paper("paper/figure-4b/256", "speedup")
    paragraphs = [
        say(
            "The formula behind {claim} ({formula} for two hundred and fifty-six channels and three by three "
            "filters) counts one operation for each float multiply-add and one for sixty-four binary ones, because a "
            "word holds sixty-four bits. That is a ratio of operations. It would be a ratio of times on a machine "
            "that does one float multiply-add per clock and one word of bits per clock. A processor with vector "
            "registers does many float multiply-adds per clock, in the same registers that hold the bits; and a "
            "binary product of vectors takes an exclusive or, a count of bits and an addition, where float takes one "
            "fused multiply-add.",
            claim=count_(claim),
            formula=times(formula),
        )
    ]
    peak = evidence.one("peaks", threads=1) or evidence.one("peaks")
    binary, fma = cite(peak, "binary_gmacs"), cite(peak, "fma_gmacs")
    if peak is None or not (binary and fma):
        missing = "What this machine's registers allow was not measured; {c} does."
        return [*paragraphs, say(missing, c=Code(command("peaks")))]
    ratio = binary / fma
    far = ratio.value < claim.value
    paragraphs.append(
        say(
            "Measured on {threads} of this machine, in registers alone: {binary} binary and {fma} float32. No binary "
            "convolution here can therefore be more than {ratio} times as fast as a float32 one that uses its "
            "registers equally well, "
            + ("less than the paper's count." if far else "which is no less than the paper's count."),
            threads=names.threads(peak.subject.get("threads", 1)),
            binary=gmacs(binary),
            fma=gmacs(fma),
            ratio=times(ratio),
        )
    )
    above = _above_limit(evidence)
    return [*paragraphs, above] if above else paragraphs


def _above_limit(evidence: Evidence) -> Inlines | None:
    """Where a measured speed-up beats the limit, float32 was further from its own peak than bits from theirs."""
    sweeps = [point_sweep(evidence, "channels", "channels"), point_sweep(evidence, "filter", "kernel")]
    for record in (record for sweep in sweeps if sweep for record in sweep.records):
        measured, limit = cite(record, "speedup"), cite(record, "limit_speedup")
        if measured and limit and measured.value > limit.value:
            return say(
                "A measured point can lie above that limit, as {measured} over {limit} does: there the float32 "
                "engine is further from its own peak than the binary kernel is from its.",
                measured=times(measured),
                limit=times(limit),
            )
    return None


def _advantages(evidence: Evidence) -> list[Inlines]:
    lines = []
    ratios = [size.full / size.file for size in sizes(evidence)]
    if ratios and min(ratio.value for ratio in ratios) > 1:
        lines.append(
            say(
                "Files {span} times smaller than float32 weights, and as much less to read from memory.",
                span=sentences.span(ratios),
            )
        )
    for ending, kind in (("_f32", "float32"), ("_int8", "int8")):
        faster = [duel.ratio for duel in duels(evidence, ending, **usual(evidence)) if duel.ratio.value > 1]
        if faster:
            lines.append(
                say(
                    "{span} times as fast as the fastest {kind} engine, on a processor, without training or running "
                    "on anything special.",
                    span=sentences.span(faster),
                    kind=kind,
                )
            )
    lines.append(
        say(
            "Integer sums: the packed network gives the trained one's integers on any machine and instruction set, "
            "and that can be proved."
        )
    )
    return lines


def _limits(evidence: Evidence) -> list[Inlines]:
    lines = []
    lost = [pair for pair in accuracy_pairs(evidence) if pair.lost.value > 0 and not pair.in_part]
    for pair in lost:
        lines.append(
            say(
                "Accuracy: {model} on {data} has {d} than float32.",
                model=names.short_model(pair.model),
                data=names.dataset(pair.dataset),
                d=sentences.against(pair.lost),
            )
        )
    slower = [ratio for _, ratio in step_ratios(evidence) if ratio.value > 1]
    if slower:
        lines.append(
            say("Training gains nothing: a step takes {span} times as long as in float32.", span=sentences.span(slower))
        )
    for duel in duels(evidence):
        if duel.ratio.value <= 1:
            lines.append(
                say(
                    "{model} is not faster than float32 ({r} times as fast).",
                    model=names.model(duel.model),
                    r=times(duel.ratio),
                )
            )
    sweep = point_sweep(evidence, "channels", "channels")
    if sweep and (first := cite(sweep.records[0], "speedup")) and (place := cite(sweep.records[0], "channels")):
        last = cite(sweep.records[-1], "speedup")
        if last and first.value < last.value / 2:
            lines.append(
                say(
                    "Thin layers gain little: {first} times with {place} input channels against {last} with many.",
                    first=times(first),
                    place=count_(place),
                    last=times(last),
                )
            )
    lines.append(say("First and last layers stay float (or take 8 bits), and set a floor to both size and time."))
    return lines
