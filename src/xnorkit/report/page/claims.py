"""What the method promises, each with a verdict that the records give and the sentence that says why."""

from dataclasses import dataclass

from xnorkit.report.page import names, sentences
from xnorkit.report.page.cited import Cited, least, most
from xnorkit.report.page.document import Inlines, Name, join, say
from xnorkit.report.page.evidence import Evidence, busy
from xnorkit.report.page.findings import Sweep, accuracy_pairs, point_sweep, sizes, step_ratios
from xnorkit.report.page.paper import paper
from xnorkit.report.page.shown import count_, points, times
from xnorkit.report.page.variants import FULL, RULES, TRUE_RULE, Variant, variants

__all__ = ["Claim", "claims", "growth"]

NEAR = 0.9
"""A promise holds when at least this part of it is measured."""
BUSY = "as other programs ran while it was measured"
IN_PART = "as not every float32 engine could be measured"


@dataclass(frozen=True)
class Claim:
    """A promise, whether it holds, the sentence, and why that is left open ('' if it is not)."""

    name: str
    holds: bool
    sentence: Inlines
    doubt: str = ""

    @property
    def line(self) -> Inlines:
        """The verdict and the sentence."""
        if self.doubt:
            return say(f"Undecided, {self.doubt}: ") + self.sentence
        return say("Holds: " if self.holds else "Does not hold: ") + self.sentence


def claims(evidence: Evidence) -> list[Claim]:
    """Return every claim that the records can decide, in the order of the paper's."""
    made = (_memory, _speed, _channels, _filter, _accuracy, _gradient, _ablation, _training)
    return [claim for make in made if (claim := make(evidence))]


def _memory(evidence: Evidence) -> Claim | None:
    ratios = [size.full / size.file for size in sizes(evidence)]
    if not ratios:
        return None
    promised = paper("paper/claims", "memory")
    holds = least(ratios).value >= NEAR * promised.value
    ending = (
        "whole files reach it."
        if holds
        else "it counts the binary layers alone; scales, batch norms and the float first and last layers remain."
    )
    sentence = say(
        "a model {p} times smaller. Whole files are {span} times smaller than float32 weights: " + ending,
        p=count_(promised),
        span=sentences.span(ratios),
    )
    return Claim("memory", holds, sentence)


def _speed(evidence: Evidence) -> Claim | None:
    sweeps = [point_sweep(evidence, "channels", "channels"), point_sweep(evidence, "filter", "kernel")]
    pairs = [point for sweep in sweeps if sweep for point in sweep.line("speedup")]
    quiet = [point for sweep in sweeps if sweep for point in sweep.sound().line("speedup")]
    if not pairs:
        return None
    promised = paper("paper/claims", "speedup")
    best = most([speedup for _, speedup in quiet or pairs])
    reached = best.value >= NEAR * promised.value
    if not quiet:
        doubt = BUSY if any(sweep.busy for sweep in sweeps if sweep) else IN_PART
        return Claim("speed", reached, say("convolutions {p} times as fast.", p=count_(promised)), doubt)
    verdict = "which reaches it." if reached else "which is far from it, for the reason given below."
    sentence = say(
        "convolutions {p} times as fast. The best that was measured against the fastest float32 engine is {best} "
        "times, " + verdict,
        p=count_(promised),
        best=times(best),
    )
    return Claim("speed", reached, sentence)


def _channels(evidence: Evidence) -> Claim | None:
    why = "few channels leave most of a vector register empty, and writing a result costs the same for any number"
    return growth(point_sweep(evidence, "channels", "channels"), "channels", "the channels", "input channels", why)


def _filter(evidence: Evidence) -> Claim | None:
    why = "the more products in each sum, the less writing the result weighs"
    return growth(point_sweep(evidence, "filter", "kernel"), "filter", "the size of the filter", "filter size", why)


def growth(sweep: Sweep | None, name: str, what: str, label: str, why: str) -> Claim | None:
    """Whether speed-up rises from the smallest to the largest size."""
    line = sweep.line("speedup") if sweep else []
    if sweep is None or len(line) < 2:
        return None
    (first_at, first), (last_at, last) = line[0], line[-1]
    best_at, best = max(line, key=lambda point: point[1].value)
    holds = last.value > first.value
    sentence = say(
        "speed-up grows with {what}. It goes from {first} ({label} {first_at}) to {last} ({last_at})",
        what=what,
        first=times(first),
        label=label,
        first_at=count_(first_at),
        last=times(last),
        last_at=count_(last_at),
    )
    past = best.value * NEAR > last.value
    if past:
        sentence += say(", with its peak, {best}, at {best_at}", best=times(best), best_at=count_(best_at))
    doubt = BUSY if sweep.busy else IN_PART if sweep.in_part else ""
    return Claim(name, holds, (*sentence, f": {why}." if holds and not past else "."), doubt)


def _accuracy(evidence: Evidence) -> Claim | None:
    pairs = [pair for pair in accuracy_pairs(evidence) if not pair.in_part]
    if not pairs:
        return None
    worst = most([pair.lost for pair in pairs])
    holds = worst.value <= 0.01
    parts = [
        say(
            "{model} on {data} {difference}",
            model=names.short_model(p.model),
            data=names.dataset(p.dataset),
            difference=sentences.against(p.lost),
        )
        for p in pairs
    ]
    ending = "."
    if len({pair.dataset for pair in pairs}) > 1 and not holds:
        ending = ": the harder the data, the more the missing precision is felt."
    sentence = say(
        "accuracy within one point of float, in the trainings that ran to their end. Against float: {parts}",
        parts=join(parts, "; "),
    )
    return Claim("accuracy", holds, (*sentence, ending))


def _gradient(evidence: Evidence) -> Claim | None:
    found = _variants(evidence, "gradients", "rule")
    base = next((variant for variant in found if variant.name == TRUE_RULE), None)
    others = [variant for variant in found if variant is not base]
    if base is None or not others:
        return None
    best = max(others, key=lambda variant: variant.top1.mean.value)
    lead = base.top1.mean - best.top1.mean
    sentence = say(
        "the exact gradient trains best. It is {difference} than the best of the other rules ({name}).",
        difference=_ahead(lead),
        name=Name(RULES.get(best.name, best.name)),
    )
    return Claim("gradient", lead.value >= 0, sentence, _doubt(base, best))


def _ablation(evidence: Evidence) -> Claim | None:
    found = _variants(evidence, "ablation", "change")
    base = next((variant for variant in found if variant.name == FULL), None)
    others = [variant for variant in found if variant is not base and "alone" not in variant.name]
    if base is None or not others:
        return None
    best = max(others, key=lambda variant: variant.top1.mean.value)
    worst = min(others, key=lambda variant: variant.top1.mean.value)
    lead = base.top1.mean - best.top1.mean
    sentence = say(
        "the binarization is best as it stands. It is {difference} than its best variant ({best}); the worst "
        "variant ({worst}) is {cost}.",
        difference=_ahead(lead),
        best=Name(best.name),
        worst=Name(worst.name),
        cost=_behind(base.top1.mean - worst.top1.mean),
    )
    return Claim("ablation", lead.value >= 0, sentence, _doubt(base, best))


def _training(evidence: Evidence) -> Claim | None:
    ratios = [ratio for _, ratio in step_ratios(evidence)]
    if not ratios:
        return None
    slower = most(ratios).value > 1
    reason = (
        ": signs, scales and their gradients come on top of the float convolution that PyTorch runs." if slower else "."
    )
    sentence = say(
        "training is no slower. A binary step takes {span} times as long as a float one", span=sentences.span(ratios)
    )
    return Claim("training", not slower, (*sentence, reason), BUSY if busy(*evidence.of("training-time")) else "")


def _variants(evidence: Evidence, experiment: str, key: str) -> list[Variant]:
    """The variants of the first data set and network."""
    records = evidence.of(experiment)
    same = [r for r in records if all(r.subject[k] == records[0].subject[k] for k in ("dataset", "model"))]
    return variants(same, key)


def _ahead(lead: Cited) -> Inlines:
    if lead.value == 0:
        return say("no better")
    return say("{n} better" if lead.value > 0 else "{n} worse", n=points(abs(lead)))


def _behind(cost: Cited) -> Inlines:
    if cost.value == 0:
        return say("as good")
    return say("{n} behind" if cost.value > 0 else "{n} ahead", n=points(abs(cost)))


def _doubt(first: Variant, second: Variant) -> str:
    """Why a difference of two variants decides nothing, or ''."""
    if min(len(first.top1.values), len(second.top1.values)) == 1:
        return "by one seed"
    (low, high), (other_low, other_high) = first.top1.extremes, second.top1.extremes
    overlap = low.value <= other_high.value and other_low.value <= high.value
    return "as the seeds differ by more" if overlap else ""
