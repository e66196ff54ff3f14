"""Rules for the gradient of the scaled sign, on the same budget."""

from xnorkit.report.page.document import Name, Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.sections.cells import absent
from xnorkit.report.page.sections.comparison import comparison_blocks
from xnorkit.report.page.variants import RULES, TRUE_RULE

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section of gradient rules."""
    what = say(
        "Accuracy by the rule that gives the gradient of alpha times sign of the latent weights: exact (the sum over "
        "the whole filter), as the paper prints it (its diagonal alone), as {code} computes it, and alpha held "
        "constant.",
        code=Name("XNOR-Net-PyTorch"),
    )
    blocks = comparison_blocks(evidence, "gradients", "rule", base=TRUE_RULE, figure="7", what=what, written=RULES)
    return [Section("gradients", say("Gradient rules"), blocks or [absent(evidence, "gradients")])]
