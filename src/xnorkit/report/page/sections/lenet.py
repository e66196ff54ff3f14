"""The same sweeps over the second convolution of LeNet-5."""

from xnorkit.report.page.claims import growth
from xnorkit.report.page.document import Block, Name, Paragraph, Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.findings import point_sweep
from xnorkit.report.page.sections.sweep import sweep_blocks

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section and its two parts."""
    model = Name("LeNet-5")
    many = "more filters use each packed input again, and fill the registers that hold their sums"
    large = "the more products in each sum, the less writing the result weighs"
    channels = sweep_blocks(evidence, "5a", "filters")
    sizes = sweep_blocks(evidence, "5b", "filter size")
    channels += _trend(evidence, "lenet-channels", "channels", what="the number of filters", label="filters", why=many)
    sizes += _trend(evidence, "lenet-filter", "kernel", what="the size of the filter", label="filter size", why=large)
    return [
        Section("lenet", say("Second convolution of {model}", model=model), []),
        Section("part-5a", say("Number of filters"), channels, 3),
        Section("part-5b", say("Filter size"), sizes, 3),
    ]


def _trend(evidence: Evidence, experiment: str, across: str, *, what: str, label: str, why: str) -> list[Block]:
    """Whether speed-up grows along the sweep, as a paragraph."""
    claim = growth(point_sweep(evidence, experiment, across), experiment, what, label, why)
    return [Paragraph(claim.line)] if claim else []
