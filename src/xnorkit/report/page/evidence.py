"""Queries of the stored records for tables and text."""

from collections.abc import Iterable
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.report.page.numbers import Cited, cite
from xnorkit.report.records import Record, Store

__all__ = ["TIMED", "Evidence", "busy"]

TIMED = ("peaks", "channels", "filter", "lenet-channels", "lenet-filter", "inference", "training-time")
"""Experiments whose figures other programs can change."""


class Evidence:
    """Records of a report folder.

    Raises:
        InputError: the folder holds no records.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder)
        self.records = self.store.find()
        if not self.records:
            raise InputError(
                f"{self.store.path} holds no records, but it must be a folder of `xnorkit report`. "
                "Run `xnorkit report` first."
            )

    def known(self, experiment: str, **subject: str | int | float) -> list[Record]:
        """Return the records of an experiment, including those that were not run."""
        return self.store.find(experiment, **subject)

    def of(self, experiment: str, **subject: str | int | float) -> list[Record]:
        """Return the records of an experiment that hold values."""
        return [record for record in self.known(experiment, **subject) if record.status != "not run"]

    def one(self, experiment: str, **subject: str | int | float) -> Record | None:
        """Return the last record of that subject with values, or None."""
        return next(reversed(self.of(experiment, **subject)), None)

    def value(self, experiment: str, name: str, **subject: str | int | float) -> Cited | None:
        """Return a value of the last record of that subject, or None."""
        return cite(self.one(experiment, **subject), name)

    def values(self, experiment: str, name: str) -> list[Cited]:
        """Return a value of every record of an experiment that has it."""
        return [value for record in self.of(experiment) if (value := cite(record, name)) is not None]

    def seen(self, condition: str, records: Iterable[Record] | None = None) -> list[str]:
        """Return the different values of a condition, in order of writing, of some records or of all."""
        records = self.records if records is None else records
        values = (record.conditions.get(condition) for record in records if record.status != "not run")
        words = (", ".join(map(str, v)) if isinstance(v, list) else v for v in values if v not in (None, "", []))
        return list(dict.fromkeys(map(str, words)))

    def machine(self) -> str:
        """Return processor, cores and kernels, for captions: of the times, as accuracies do not depend on them."""
        timed = [record for record in self.of_times() if record.status != "not run"]
        cpu, cores, isa = ("/".join(self.seen(name, timed or None)) for name in ("cpu", "cores", "isa"))
        return ", ".join(part for part in (cpu, cores and f"{cores} cores", isa) if part) or "not recorded"

    def disturbed(self) -> list[Record]:
        """Return the records of times that were measured while other programs ran."""
        return [record for record in self.of_times() if busy([record])]

    def of_times(self) -> list[Record]:
        """Return the records of times."""
        return [record for record in self.records if record.experiment in TIMED]

    def command(self, experiment: str) -> str:
        """Return the command that measures an experiment in the mode of the others."""
        quick = any(record.conditions.get("mode") == "quick" for record in self.records)
        return f"xnorkit report{' --quick' if quick else ''} --output DIR --only {experiment}"


def busy(records: Iterable[Record]) -> bool:
    """Return whether other programs, which lengthen times, ran while one of these was measured."""
    return any(record.conditions.get("busy") for record in records)
