"""The conditions of the figures, and the experiments that were left out."""

import re
from collections.abc import Iterable, Sequence

from xnorkit.report.page.evidence import Evidence
from xnorkit.report.records import EXPERIMENTS, Record

__all__ = ["conditions", "load", "not_run", "unfinished"]

LABELS = {
    "processor": "cpu",
    "cores": "cores",
    "threads": "threads",
    "kernels": "isa",
    "system": "os",
    "Python": "python",
    "commit": "commit",
    "seeds": "seeds",
    "mode": "mode",
}
LOAD = re.compile(r"(other programs took )([\d.]+)( of \d+ processors)")


def conditions(evidence: Evidence) -> dict[str, list[str]]:
    """Return each condition with its different values, and the first and the last date."""
    found = {label: evidence.seen(name) for label, name in LABELS.items()}
    versions = (record.conditions.get("versions") or {} for record in evidence.records)
    found["versions"] = list(dict.fromkeys(f"{name} {version}" for each in versions for name, version in each.items()))
    dates = sorted(evidence.seen("date"))
    found["dates"] = [f"from {dates[0]} to {dates[-1]}"] if len(dates) > 1 else dates
    return found


def load(records: Sequence[Record]) -> str:
    """Return the load of other programs as a range: "other programs took 0.4 to 1.9 of 2 processors"."""
    lines = sorted({str(record.conditions["busy"]) for record in records})
    found = [match for line in lines if (match := LOAD.fullmatch(line))]
    if len(found) < len(lines) or len({match[3] for match in found}) > 1:
        return "; ".join(lines)
    loads = sorted((match[2] for match in found), key=float)
    return found[0][1] + " to ".join(dict.fromkeys((loads[0], loads[-1]))) + found[0][3]


def not_run(evidence: Evidence, records: Iterable[Record]) -> list[tuple[str, str]]:
    """Return the reason and command of each record that was not run, without repetitions."""
    left = [record for record in records if record.status == "not run"]
    return list(
        dict.fromkeys((r.reason or "no reason given", r.command or evidence.command(r.experiment)) for r in left)
    )


def unfinished(evidence: Evidence) -> dict[tuple[str, str], list[str]]:
    """Return the records that are not measured completely, by command and status with its reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in evidence.records:
        if record.status != "measured":
            status = f"{record.status} ({record.reason})" if record.reason else record.status
            found.setdefault((record.command or evidence.command(record.experiment), status), []).append(record.id)
    for experiment in EXPERIMENTS:
        if not evidence.known(experiment):
            found[(evidence.command(experiment), "not run (left out of this report)")] = [experiment]
    return found
