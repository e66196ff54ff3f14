"""What repeats across the records: with the batch, against the ideal, between engines."""

from xnorkit.report.page import names
from xnorkit.report.page.cited import cite, count, least, most
from xnorkit.report.page.document import Inlines, Name, say
from xnorkit.report.page.evidence import Evidence, busy
from xnorkit.report.page.findings import Duel, call_time, duels, own_runs, usual
from xnorkit.report.page.sentences import span
from xnorkit.report.page.shown import count_, percent, times

__all__ = ["patterns"]


def patterns(evidence: Evidence) -> list[Inlines]:
    """Return a sentence for each pattern that the records show."""
    return [sentence for make in (_batch, _ideal, _float) if (sentence := make(evidence))]


def _batch(evidence: Evidence) -> Inlines | None:
    """How the lead over float32 changes from the smallest batch to the largest, for the first network with both."""
    runs: dict[str, list[Duel]] = {}
    for duel in duels(evidence, threads=usual(evidence).get("threads", 1)):
        if busy(*evidence.of("inference", model=duel.model, threads=duel.threads, batch=duel.batch)):
            continue
        runs.setdefault(duel.model, []).append(duel)
    ordered = [sorted(found, key=lambda duel: float(str(duel.batch))) for found in runs.values()]
    # The same engines at both ends, else the lead changes with who is measured.
    pair = next(((f[0], f[-1]) for f in ordered if len(f) > 1 and f[0].among == f[-1].among), None)
    if pair is None:
        return None
    small, large = pair
    grows = large.ratio.value > small.ratio.value
    return say(
        "The lead over the fastest float32 engine "
        + ("grows" if grows else "shrinks")
        + " with the batch: {model} goes from {small} times at batch size {one} to {large} times at {many}.",
        model=names.model(small.model),
        small=times(small.ratio),
        one=Name(str(small.batch)),
        large=times(large.ratio),
        many=Name(str(large.batch)),
    )


def _ideal(evidence: Evidence) -> Inlines | None:
    """How near whole networks come to what registers and memory allow."""
    reached = []
    for run in own_runs(evidence):
        own, ideal = cite(run, call_time(evidence, run)), cite(run, "ideal_us")
        if own and ideal and run.subject["family"] == "xnor":
            reached.append((ideal / own, run))
    if not reached:
        return None
    low, high = (end([share for share, _ in reached]) for end in (least, most))
    best = max(reached, key=lambda pair: pair[0].value)[1]
    text = (
        "Whole networks run at {low} to {high} of the ideal speed, nearest {model} at batch size {batch}; packing, "
        "borders and calls take the rest."
        if len(reached) > 1
        else "The whole network ({model}, batch size {batch}) runs at {high} of the ideal speed; packing, borders and "
        "calls take the rest."
    )
    return say(
        text,
        low=percent(low, 0),
        high=percent(high, 0),
        model=names.model(best.subject["model"]),
        batch=Name(str(best.subject["batch"])),
    )


def _float(evidence: Evidence) -> Inlines | None:
    """Bits against the same engine in float32: what the method gives apart from the engine."""
    ratios = []
    for run in own_runs(evidence):
        same = {name: run.subject[name] for name in ("model", "threads", "batch", "engine")}
        name = call_time(evidence, run)
        own, full = cite(run, name), cite(evidence.one("inference", family="float", **same), name)
        if run.subject["family"] == "xnor" and own and full:
            ratios.append(full / own)
    if not ratios:
        return None
    return say(
        "In the same engine, xnorkit, the float32 network takes {span} times as long as its binary form ({n} "
        "measured pairs).",
        span=span(ratios),
        n=count_(count(ratios)),
    )
