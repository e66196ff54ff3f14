"""The stored records as the sections ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.report.page.cited import Cited, cite, least, mean, most, present
from xnorkit.report.records import Record, Store

__all__ = ["Evidence", "Seeds", "busy", "command", "seeds"]


class Evidence:
    """Records of a report folder.

    Raises:
        InputError: the folder holds no records.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        store = Store(folder)
        self.records = store.find(None)
        if not self.records:
            raise InputError(
                f"{store.path} holds no records; required: a folder that `xnorkit report` has measured into. "
                "Run `xnorkit report` first."
            )

    def of(self, experiment: str, **subject: str | int | float) -> list[Record]:
        """Return the records of an experiment that hold values."""
        return [record for record in self.known(experiment, **subject) if record.status != "not run"]

    def known(self, experiment: str, **subject: str | int | float) -> list[Record]:
        """Return the records of an experiment, those that were not run, too."""
        return [
            record
            for record in self.records
            if record.experiment == experiment
            and all(record.subject.get(name) == value for name, value in subject.items())
        ]

    def one(self, experiment: str, **subject: str | int | float) -> Record | None:
        """Return the last record with values of that subject, or None."""
        found = self.of(experiment, **subject)
        return found[-1] if found else None

    def command(self, experiment: str) -> str:
        """Return the command that measures an experiment as the others were."""
        return command(experiment, quick=any(record.conditions.get("mode") == "quick" for record in self.records))

    def missing(self, experiment: str, **subject: str | int | float) -> Record | None:
        """Return the record that says why that subject was not run, or None."""
        found = [record for record in self.known(experiment, **subject) if record.status == "not run"]
        return found[-1] if found else None


@dataclass(frozen=True)
class Seeds:
    """One value over the seeds of one training: their records, mean and extremes."""

    records: Sequence[Record]
    values: Sequence[Cited]

    @property
    def mean(self) -> Cited:
        """The mean."""
        return mean(self.values)

    @property
    def extremes(self) -> tuple[Cited, Cited]:
        """The smallest and the largest."""
        return least(self.values), most(self.values)

    @property
    def in_part(self) -> bool:
        """Whether a training has epochs left."""
        return any(record.status == "in part" for record in self.records)


def seeds(records: Sequence[Record], value: str) -> Seeds | None:
    """Return the value of records that differ in their seed alone; None where no record has it."""
    holders = [record for record in records if cite(record, value) is not None]
    return Seeds(holders, present([cite(record, value) for record in holders])) if holders else None


def command(experiment: str, *, quick: bool = False) -> str:
    """Return the command that measures an experiment into the report's folder, in the mode that it was made in."""
    return f"xnorkit report{' --quick' if quick else ''} --output DIR --only {experiment}"


def busy(*records: Record | None) -> bool:
    """Return whether other programs ran while one of these was measured, so that times may be longer than they are."""
    return any(record is not None and record.conditions.get("busy") for record in records)
