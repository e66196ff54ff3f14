"""Rules for the gradient of the scaled sign, on the same budget."""

from xnorkit.report.page.document import Name, Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.sections.cells import absent
from xnorkit.report.page.sections.comparison import comparison_blocks

__all__ = ["BASE", "WRITTEN", "sections"]

BASE = "exact"
WRITTEN = {
    "exact": "exact",
    "paper": "as the paper prints",
    "seeds": "XNOR-Net-PyTorch",
    "ste": "straight-through alone",
}


def sections(evidence: Evidence) -> list[Section]:
    """Return the section of gradient rules."""
    what = say(
        "Accuracy by the rule that gives the gradient of alpha times sign of the latent weights: exact (the sum over "
        "the whole filter), as the paper prints it (its diagonal alone), as {code} computes it, and alpha held "
        "constant.",
        code=Name("XNOR-Net-PyTorch"),
    )
    blocks = comparison_blocks(evidence, "gradients", "rule", base=BASE, figure="7", what=what, written=WRITTEN)
    return [Section("gradients", say("Gradient rules"), blocks or [absent("gradients")])]
