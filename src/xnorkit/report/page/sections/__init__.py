"""The page's sections in order, one file each."""

from collections.abc import Callable

from xnorkit.report.page.document import Section
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.sections import (
    ablation,
    accuracy,
    conditions,
    curves,
    discussion,
    figure4,
    found,
    gradients,
    inference,
    lenet,
    memory,
    missing,
    pictures,
    training,
)

__all__ = ["SECTIONS"]

SECTIONS: tuple[Callable[[Evidence], list[Section]], ...] = (
    found.sections,
    accuracy.sections,
    memory.sections,
    training.sections,
    inference.sections,
    figure4.sections,
    lenet.sections,
    curves.sections,
    gradients.sections,
    ablation.sections,
    pictures.sections,
    discussion.sections,
    conditions.sections,
    missing.sections,
)
