"""What alpha, centring and the map K are worth."""

from xnorkit.report.page.document import Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.sections.cells import absent
from xnorkit.report.page.sections.comparison import comparison_blocks
from xnorkit.report.page.variants import FULL

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section of the ablation."""
    what = say(
        "Accuracy when one part of the binarization is changed: the scale alpha of each filter, centring of the "
        "weights over the input channels, the map K of input scales, or one of the two signs."
    )
    blocks = comparison_blocks(evidence, "ablation", "change", base=FULL, figure="8", what=what, written={})
    return [Section("ablation", say("Ablation"), blocks or [absent(evidence, "ablation")])]
