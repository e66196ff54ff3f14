"""Sentences whose words are chosen by the numbers in them: less or more, faster or slower, holds or does not."""

from collections.abc import Sequence

from xnorkit.report.page import names
from xnorkit.report.page.cited import Cited, cite, count, least, most
from xnorkit.report.page.document import Inlines, Name, join, say
from xnorkit.report.page.evidence import Seeds
from xnorkit.report.page.findings import AccuracyPair, Duel, Sizes, Sweep
from xnorkit.report.page.shown import bytes_, count_, percent, points, times, us

__all__ = ["accuracy", "against", "duel_sentence", "engine_words", "file_sizes", "span", "steepest", "times_as_fast"]


def span(values: Sequence[Cited]) -> Inlines:
    """Return "5.7 to 14.9", or the one number that there is (or that both ends read as)."""
    low, high = times(least(values)), times(most(values))
    return (low,) if low.text == high.text else say("{low} to {high}", low=low, high=high)


def against(lost: Cited) -> Inlines:
    """Return what a binary network lost against float (float minus binary): "0.20 points less", "as much"."""
    shown = points(abs(lost))
    if not shown.text.strip("0.,"):
        return say("as much, to the last digit shown")
    return say("{n} less" if lost.value > 0 else "{n} more", n=shown)


def accuracy(pair: AccuracyPair) -> Inlines:
    """Return the sentence that compares a binary network's accuracy with float."""
    return say(
        "On {data}, {model} reaches {binary} in {family} form{binary_when} against {full} in float32{full_when}: "
        "{difference}.",
        data=names.dataset(pair.dataset),
        model=names.short_model(pair.model),
        binary=percent(pair.binary.mean),
        family=names.family(pair.family),
        binary_when=_when(pair.binary),
        full=percent(pair.full.mean),
        full_when=_when(pair.full),
        difference=against(pair.lost),
    )


def file_sizes(found: Sequence[Sizes]) -> Inlines:
    """Return the sentence about files against float32 weights."""
    ratios = [size.full / size.file for size in found]
    word = "smaller" if least(ratios).value >= 1 else "smaller (below one: larger)"
    first = found[0]
    return say(
        "The packed file is {span} times " + word + " than the float32 weights ({model}: {file} against {full}).",
        span=span(ratios),
        model=names.model(first.model),
        file=bytes_(first.file),
        full=bytes_(first.full),
    )


def duel_sentence(found: Sequence[Duel], kind: str, *, again: bool = False) -> Inlines:
    """Return the sentence about inference against the fastest engine of a kind ("float32", "int8").

    again: the setting (batch, threads) has just been said.
    """
    who = engine_words(found, kind)
    faster = [duel for duel in found if duel.ratio.value > 1]
    slower = [duel for duel in found if duel.ratio.value <= 1]
    setting = say("At batch size {b} on {t}, ", b=Name(str(found[0].batch)), t=names.threads(found[0].threads))
    setting = () if again else setting
    if len(found) == 1 and again:
        duel = found[0]
        return say(
            "The fastest {kind} ({engine}) takes {other}: xnorkit is {ratio}.",
            kind=who,
            engine=names.engine(duel.engine),
            other=us(duel.other),
            ratio=times_as_fast(duel.ratio),
        )
    if len(found) == 1:
        duel = found[0]
        return setting + say(
            "xnorkit takes {own} for {model} and the fastest {kind} ({engine}) {other}: xnorkit is {ratio}.",
            own=us(duel.own),
            model=names.model(duel.model),
            kind=who,
            engine=names.engine(duel.engine),
            other=us(duel.other),
            ratio=times_as_fast(duel.ratio),
        )
    if not faster:
        return setting + say(
            "xnorkit is slower than the fastest {kind} on all {n} networks ({span} times as fast).",
            kind=who,
            n=count_(count([duel.ratio for duel in slower])),
            span=span([duel.ratio for duel in slower]),
        )
    sentence = setting + say(
        "xnorkit is faster than the fastest {kind} beside it on {some}, {span} times",
        kind=who,
        some=_some(faster, found),
        span=span([duel.ratio for duel in faster]),
    )
    if slower:
        losers = [say("{m} ({r} times as fast)", m=names.model(d.model), r=times(d.ratio)) for d in slower]
        sentence += say(", and slower on {losers}", losers=join(losers))
    return (*sentence, ".")


def engine_words(found: Sequence[Duel], kind: str) -> str:
    """Return "float32 engine", "that was measured" where others of its kind were not."""
    return f"{kind} engine{' that was measured' if any(duel.unmeasured for duel in found) else ''}"


def steepest(sweep: Sweep, label: str) -> Inlines | None:
    """Return the sentence about the best point of a sweep that decides (`Sweep.sound`), or None."""
    points = sweep.sound().line("speedup")
    if not points:
        return None
    place, measured = max(points, key=lambda point: point[1].value)
    formula, limit = (_at(place, sweep.line(name)) for name in ("formula_speedup", "limit_speedup"))
    if not (formula and limit):
        return None
    return say(
        "One convolution is at best {measured} ({label} {place}), where the paper's formula counts {formula} "
        "and the peaks of this machine allow {limit}{above}.",
        measured=times_as_fast(measured),
        label=label,
        place=count_(place),
        formula=times(formula),
        limit=times(limit),
        above=" (there the float32 engine is far from its own peak)" if measured.value > limit.value else "",
    )


def times_as_fast(ratio: Cited) -> Inlines:
    """Return "5.7 times as fast", or "slower, 0.80 times as fast"."""
    return say("{r} times as fast" if ratio.value > 1 else "slower, {r} times as fast", r=times(ratio))


def _some(part: Sequence[Duel], whole: Sequence[Duel]) -> Inlines:
    total = count_(count([duel.ratio for duel in whole]))
    if len(part) == len(whole):
        return say("all {n} networks", n=total)
    return say("{k} of {n} networks", k=count_(count([duel.ratio for duel in part])), n=total)


def _when(trained: Seeds) -> Inlines:
    if not trained.in_part:
        return ()
    epochs, planned = cite(trained.records[0], "epochs"), cite(trained.records[0], "epochs_planned")
    if not (epochs and planned):
        return say(" (unfinished)")
    return say(" (after {n} of {m} epochs)", n=count_(epochs), m=count_(planned))


def _at(place: Cited, line: Sequence[tuple[Cited, Cited]]) -> Cited | None:
    return next((up for across, up in line if across.value == place.value), None)
