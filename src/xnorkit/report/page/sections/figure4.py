"""Figure 4 of the paper: memory of networks, speed-up over channels and over filter size."""

from xnorkit.report.page.document import Block, Name, Paragraph, Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.paper import SOURCE, paper_points
from xnorkit.report.page.sections.memory import figure_4a
from xnorkit.report.page.sections.sweep import sweep_blocks

__all__ = ["sections"]


def sections(evidence: Evidence) -> list[Section]:
    """Return the section and its three parts."""
    opening: list[Block] = [
        Paragraph(
            say(
                "The paper ({source}) draws three figures of efficiency. Here they are again, measured: its formula "
                "counts a binary product as one sixty-fourth of an operation of a machine that does one float "
                "operation at a time. Figures from {five} on are this report's own.",
                five=Name("5a"),
                source=Name(SOURCE),
            )
        )
    ]
    four_b = sweep_blocks(evidence, "4b", "input channels", paper_points("paper/figure-4b", "channels", "speedup"))
    four_c = sweep_blocks(evidence, "4c", "filter size", paper_points("paper/figure-4c", "kernel", "speedup"))
    return [
        Section("figure-four", say("Figure {n} of the paper", n=Name("4")), opening),
        Section("part-4a", say("Memory ({n})", n=Name("4a")), figure_4a(evidence), 3),
        Section("part-4b", say("Channels ({n})", n=Name("4b")), four_b, 3),
        Section("part-4c", say("Filter size ({n})", n=Name("4c")), four_c, 3),
    ]
