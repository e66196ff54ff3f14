"""Measured figures with their conditions: one JSON object per line, appended as soon as it is measured."""

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from xnorkit.errors import InputError

__all__ = ["EXPERIMENTS", "STATUSES", "Number", "Record", "Store", "Values"]

FILE = "records.jsonl"
STATUSES = ("measured", "in part", "not run")
EXPERIMENTS = (
    *("accuracy", "deployed", "memory", "training-time", "inference"),
    *("channels", "filter", "lenet-channels", "lenet-filter", "paper-memory"),
    *("curve", "gradients", "ablation", "peaks", "picture"),
)

Number = int | float | None
Values = Mapping[str, Number | Sequence[Number]]


@dataclass(frozen=True)
class Record:
    """One measurement.

    Attributes:
        id: a unique name; if several lines have it, the last counts.
        experiment: a name of `EXPERIMENTS`.
        subject: the object of the measurement, as names and sizes.
        values: name, with its unit at the end (`_us`, `_bytes`, `_s`), -> number, or list of numbers (a curve); null
            where there is none. Empty if not run.
        spread: of a value that stands for several: its name -> lower and upper quartile (of times), or the extremes.
        status: "measured"; "in part", as of a training that has epochs left; or "not run".
        reason: the reason why it is not measured.
        command: the command that measures it.
        conditions: the machine, versions, date and so on.

    Raises:
        InputError: a field has another form; the message names it.
    """

    id: str
    experiment: str
    subject: Mapping[str, str | int | float]
    values: Values = field(default_factory=dict)
    spread: Mapping[str, Sequence[Number]] = field(default_factory=dict)
    status: str = "measured"
    reason: str = ""
    command: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("id", "experiment", "status", "reason", "command"):
            self._require(name, isinstance(getattr(self, name), str), "text")
        self._require("id", self.id != "", "a name")
        self._require("experiment", self.experiment in EXPERIMENTS, f"one of {', '.join(EXPERIMENTS)}")
        self._require("status", self.status in STATUSES, f"one of {', '.join(STATUSES)}")
        for name in ("subject", "values", "spread", "conditions"):
            self._require(name, isinstance(getattr(self, name), Mapping), "a mapping from names")
        plain = all(isinstance(value, str) or _is_number(value) for value in self.subject.values())
        self._require("subject", plain and None not in self.subject.values(), "texts and numbers")
        self._require("values", all(map(_is_value, self.values.values())), "finite numbers, null, or lists of them")
        pairs = all(_is_list(pair) and len(pair) == 2 for pair in self.spread.values())
        self._require("spread", pairs, "lists of two numbers")
        self._require("values", bool(self.values) == (self.status != "not run"), "empty only if not run")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> "Record":
        """Return the record of a result of `to_json`; a missing, unknown or wrong field is an InputError."""
        names = [entry.name for entry in fields(cls)]
        if not isinstance(content, dict):
            raise InputError(f"a record is {content!r:.80}, but it must be an object with {', '.join(names)}.")
        for name in names:
            if name not in content:
                raise InputError(f"record '{content.get('id')}' has no '{name}', but it must have {', '.join(names)}.")
        for name in content:
            if name not in names:
                raise InputError(f"record '{content['id']}' has '{name}', but it must have {', '.join(names)} alone.")
        return cls(**content)

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise InputError(f"record '{self.id}': {name}={getattr(self, name)!r:.120}, but it must be {expected}.")


class Store:
    """The records of a report folder, in `records.jsonl`.

    A torn line at the end of the file, which a power failure can leave, is ignored with a warning on standard error
    and cut off by the next `append`.

    Args:
        folder: the folder of the report, which the first `append` creates.

    Raises:
        InputError: the file is unreadable, or a line is not a record.
    """

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / FILE
        self._records: dict[str, Record] = {}
        self._whole_bytes = 0
        if self.path.exists():
            self._read()

    def __len__(self) -> int:
        return len(self._records)

    def append(self, record: Record) -> None:
        """Write a record to the disk; it replaces an earlier one of its id, whose line stays in the file."""
        line = (json.dumps(record.to_json(), ensure_ascii=False, allow_nan=False) + "\n").encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.truncate(self._whole_bytes)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path} cannot be written ({error.strerror}). Choose a writable folder.") from error
        self._whole_bytes += len(line)
        self._keep(record)

    def find(self, experiment: str | None = None, **subject: str | int | float) -> list[Record]:
        """Return the records of an experiment, or of all for None, whose subject has these entries, as written."""
        return [
            record
            for record in self._records.values()
            if experiment in (None, record.experiment)
            and all(record.subject.get(name) == value for name, value in subject.items())
        ]

    def get(self, name: str) -> Record | None:
        """Return the last record with the id `name`, or None."""
        return self._records.get(name)

    def done(self, name: str) -> bool:
        """Return whether the record with the id `name` is measured completely."""
        record = self.get(name)
        return record is not None and record.status == "measured"

    def _keep(self, record: Record) -> None:
        self._records.pop(record.id, None)
        self._records[record.id] = record

    def _read(self) -> None:
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise InputError(f"{self.path} must hold records, but reading failed: {error.strerror}.") from error
        *lines, torn = content.split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                self._keep(Record.from_json(json.loads(line)))
            except (ValueError, TypeError) as error:  # InputError is a ValueError too
                raise InputError(
                    f"{self.path}, line {number}: {error} It must be a record of `xnorkit report`. Delete the "
                    "line to measure it again."
                ) from error
        self._whole_bytes = sum(len(line) + 1 for line in lines)
        if torn:
            print(f"{self.path}: the last line is torn ({len(torn)} bytes); it is ignored", file=sys.stderr)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_number, value))


def _is_value(value: Any) -> bool:
    return _is_number(value) or _is_list(value)
