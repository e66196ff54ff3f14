"""The discussion: what holds, why the paper's factor is a count, advantages and limits."""

from xnorkit.report.page import names, sentences
from xnorkit.report.page.cited import cite
from xnorkit.report.page.claims import claims
from xnorkit.report.page.document import Bullets, Code, Inlines, Name, Paragraph, Section, join, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.findings import accuracy_pairs, duels, point_sweep, quiet_step_ratios, sizes, usual
from xnorkit.report.page.paper import paper
from xnorkit.report.page.patterns import patterns
from xnorkit.report.page.sections.found import proof
from xnorkit.report.page.shown import count_, gmacs, times

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section and its parts."""
    decided = claims(evidence)
    # What holds first, then what does not, then what is open; each group in the paper's order.
    lines = [claim.line for claim in sorted(decided, key=lambda claim: (bool(claim.doubt), not claim.holds))]
    nothing = [say("No claim can be decided yet; {c} measures what is needed.", c=Code("xnorkit report"))]
    seen = patterns(evidence)
    return [
        Section("discussion", say("Discussion"), []),
        Section("holds", say("What holds, and what does not"), [Bullets(lines or nothing)], 3),
        Section(
            "count", say("Why the paper's factor is a count and not a time"), [*map(Paragraph, _count(evidence))], 3
        ),
        *([Section("patterns", say("Patterns"), [Bullets(seen)], 3)] if seen else []),
        Section("advantages", say("Advantages"), [Bullets(_advantages(evidence))], 3),
        Section("limits", say("Limits"), [Bullets(_limits(evidence))], 3),
    ]


def _count(evidence: Evidence) -> list[Inlines]:
    claim = paper("paper/claims", "speedup")
    formula = paper("paper/figure-4b/256", "speedup")
    paragraphs = [
        say(
            "The formula behind {claim} ({formula} for {channels} channels and {filters} filters) counts one "
            "operation for each float multiply-add and one for sixty-four binary ones, because a "
            "word holds sixty-four bits. That is a ratio of operations. It would be a ratio of times on a machine "
            "that does one float multiply-add per clock and one word of bits per clock. A processor with vector "
            "registers does many float multiply-adds per clock, in the same registers that hold the bits; and a "
            "binary product of vectors takes an exclusive or, a count of bits and an addition, where float takes one "
            "fused multiply-add.",
            claim=count_(claim),
            formula=times(formula),
            channels=Name("256"),
            filters=Name("3x3"),
        )
    ]
    peak = evidence.one("peaks", threads=1) or evidence.one("peaks")
    binary, fma = cite(peak, "binary_gmacs"), cite(peak, "fma_gmacs")
    if peak is None or not (binary and fma):
        missing = "What this machine's registers allow was not measured; {c} does."
        return [*paragraphs, say(missing, c=Code(evidence.command("peaks")))]
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
    """The measured point that lies furthest above the limit, if one does, and how that can be."""
    sweeps = [point_sweep(evidence, "channels", "channels"), point_sweep(evidence, "filter", "kernel")]
    above = [
        (measured, limit, sweep.busy)
        for sweep in sweeps
        if sweep
        for (_, measured), (_, limit) in zip(sweep.line("speedup"), sweep.line("limit_speedup"), strict=False)
        if measured.value > limit.value
    ]
    if not above:
        return None
    measured, limit, busy = max(above, key=lambda point: point[0].value / point[1].value)
    reason = (
        "other programs ran, which lengthen a long call more than a short one."
        if busy
        else "there the float32 engine is further from its own peak than the binary kernel is from its; its weights, "
        "thirty-two times as large, leave the caches sooner."
    )
    text = "A measured point lies above that limit, {measured} over {limit}: " + reason
    return say(text, measured=times(measured), limit=times(limit))


def _advantages(evidence: Evidence) -> list[Inlines]:
    lines = []
    ratios = [size.full / size.file for size in sizes(evidence)]
    if ratios and min(ratio.value for ratio in ratios) > 1:
        lines.append(
            say(
                "Files {span} times smaller than float32 weights.",
                span=sentences.span(ratios),
            )
        )
    for ending, kind in (("_f32", "float32"), ("_int8", "int8")):
        faster = [duel for duel in duels(evidence, ending, **usual(evidence)) if duel.ratio.value > 1]
        if faster:
            lines.append(
                say(
                    "Inference of {networks}: {span} times as fast as the fastest {engine} (batch size {batch}, "
                    "{threads}).",
                    networks=join([(names.model(duel.model),) for duel in faster], last=" and "),
                    span=sentences.span([duel.ratio for duel in faster]),
                    engine=sentences.engine_words(faster, kind),
                    batch=Name(str(faster[0].batch)),
                    threads=names.threads(faster[0].threads),
                )
            )
    lines.append(
        say(
            "Integer sums do not depend on machine or instruction set, so that a packed network can be proved equal "
            "to the trained one; "
            + ("see the proof under accuracy." if proof(evidence) else "that proof was not run in this report.")
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
    slower = [ratio for _, ratio in quiet_step_ratios(evidence) if ratio.value > 1]
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
    line = sweep.sound().line("speedup") if sweep else []
    if line and line[0][1].value < line[-1][1].value / 2:
        lines.append(
            say(
                "Thin layers gain little: a speed-up of {first} at {place} input channel{s} against {last} at {most}.",
                first=times(line[0][1]),
                place=count_(line[0][0]),
                s="" if line[0][0].value == 1 else "s",
                last=times(line[-1][1]),
                most=count_(line[-1][0]),
            )
        )
    lines.append(say("First and last layers stay float (or take 8 bits), and set a floor to both size and time."))
    return lines
