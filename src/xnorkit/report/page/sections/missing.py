"""What was not run, and the commands that fill it."""

from xnorkit.report.page.document import Bullets, Code, Inlines, Name, Paragraph, Section, say
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.records import EXPERIMENTS

__all__ = ["sections"]

LEFT_OUT = "left out of this report"


def sections(evidence: Evidence) -> list[Section]:
    """Return the list of experiments without values and of trainings with epochs left."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for record in evidence.records:
        if record.status != "measured":
            key = (record.command or evidence.command(record.experiment), record.status, record.reason)
            lines.setdefault(key, []).append(record.id)
    known = {record.experiment for record in evidence.records}
    for experiment in EXPERIMENTS:
        if experiment not in known:
            lines[(evidence.command(experiment), "not run", LEFT_OUT)] = [experiment]
    title = say("Not run")
    if not lines:
        return [Section("not-run", title, [Paragraph(say("Every experiment of this study has run to its end."))])]
    items = [_line(*key, names) for key, names in lines.items()]
    opening = Paragraph(say("What is missing, and the command that measures it:"))
    return [Section("not-run", title, [opening, Bullets(items)])]


def _line(words: str, status: str, reason: str, names: list[str]) -> Inlines:
    return say(
        "{command}: {status}: {names}",
        command=Code(words),
        status=Name(f"{status} ({reason})" if reason else status),
        names=Name("; ".join(names)),
    )
