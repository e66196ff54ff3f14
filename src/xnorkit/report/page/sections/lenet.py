"""The same sweeps over the second convolution of LeNet-5."""

from xnorkit.report.page.document import Name, Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.sections.sweep import sweep_blocks

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section and its two parts."""
    model = Name("LeNet-5")
    channels = sweep_blocks(evidence, "lenet-channels", "channels", figure="5a", label="filters")
    sizes = sweep_blocks(evidence, "lenet-filter", "kernel", figure="5b", label="filter size")
    return [
        Section("lenet", say("Second convolution of {model}", model=model), []),
        Section("part-5a", say("Number of filters"), channels, 3),
        Section("part-5b", say("Filter size"), sizes, 3),
    ]
