"""Pictures: filters of the first layer, binary filters, mistakes, sign maps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError
from xnorkit.report.page import names
from xnorkit.report.page.cited import cite
from xnorkit.report.page.document import Block, Figure, Inlines, Name, Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.plots.pictures import (
    draw_binary_filters,
    draw_first_filters,
    draw_mistakes,
    draw_sign_maps,
)
from xnorkit.report.page.sections.cells import absent
from xnorkit.report.page.shown import count_, percent
from xnorkit.report.records import Record

__all__ = ["sections"]

UNIT = {"one": Name("+1"), "minus": Name("−1")}


@dataclass(frozen=True)
class Kind:
    """A kind of picture: its title, its drawing and what is said under it."""

    title: str
    draw: Callable[..., str]
    caption: Callable[[Record], Inlines]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section and a part per kind of picture."""
    title = say("Pictures")
    if not evidence.of("picture"):
        return [Section("pictures", title, [absent(evidence, "picture")])]
    parts = [Section("pictures", title, [])]
    for kind, about in KINDS.items():
        blocks: list[Block] = [_figure(evidence, kind, about, record) for record in evidence.of("picture", kind=kind)]
        parts.append(Section(f"part-{kind}", say(about.title), blocks or [absent(evidence, "picture")], 3))
    return parts


def _figure(evidence: Evidence, kind: str, about: Kind, record: Record) -> Figure:
    name = "-".join(
        [kind, *(str(record.subject[key]) for key in ("dataset", "model", "family") if key in record.subject)]
    )
    head = say(
        "{model} on {data}, {family}. ",
        model=names.short_model(record.subject["model"]),
        data=names.dataset(record.subject.get("dataset", "")),
        family=names.family(record.subject.get("family", "")),
    )
    alt = f"{about.title} of {names.short_model(record.subject['model']).text}"
    arrays = _arrays(evidence, record)
    return Figure(name, head + about.caption(record), alt, about.draw(arrays, name=name, alt=alt))


def _arrays(evidence: Evidence, record: Record) -> dict[str, NDArray[Any]]:
    path = evidence.folder / str(record.subject.get("file", ""))
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} of record '{record.id}' cannot be read ({error}); required: the picture beside the records. "
            "Measure it again with `xnorkit report --only picture`."
        ) from error


def _first(record: Record) -> Inlines:
    filters = cite(record, "filters")
    return say(
        "Filters of the first layer{many}, which stays float: each stretched to its own extremes, grey is zero.",
        many=say(" ({n})", n=count_(filters)) if filters else (),
    )


def _binary(record: Record) -> Inlines:
    plus, total = cite(record, "plus"), cite(record, "weights")
    share = (
        say(" Of all weights of the layer {share} are {one}.", share=percent(plus / total, 1), **UNIT)
        if plus and total
        else ()
    )
    return (
        say(
            "Filters of the first binary convolution: one filter per row, its first input channels from left to "
            "right; blue is {one}, orange {minus}. This is all that is stored, one bit each, and one scale per "
            "filter.",
            **UNIT,
        )
        + share
    )


def _mistakes(record: Record) -> Inlines:
    wrong, images = cite(record, "wrong"), cite(record, "images")
    many = (
        say("{wrong} of {images} images are wrong. ", wrong=count_(wrong), images=count_(images))
        if wrong and images
        else ()
    )
    return many + say("The packed network's most confident mistakes; above each what it is, and as what it was taken.")


def _maps(record: Record) -> Inlines:
    plus, total = cite(record, "plus"), cite(record, "signs")
    share = say(" {share} of these signs are {one}.", share=percent(plus / total, 1), **UNIT) if plus and total else ()
    return (
        say(
            "Images, and what the first binary layer is given in their place: the signs of its input channels, blue "
            "{one}, orange {minus}.",
            **UNIT,
        )
        + share
    )


KINDS = {
    "first-layer-filters": Kind("First-layer filters", draw_first_filters, _first),
    "binary-filters": Kind("Binary filters", draw_binary_filters, _binary),
    "misclassified": Kind("What was misclassified", draw_mistakes, _mistakes),
    "sign-maps": Kind("Sign maps of activations", draw_sign_maps, _maps),
}
