"""Copy the records and pictures of a report folder beside a page, without the folder names of this machine."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.records import Record

__all__ = ["publish_records"]

FILE = "records.jsonl"
ABSOLUTE = re.compile(r"(?<![\w.~])/(?:[^\s/'\",;:]+/)+[^\s/'\",;:]+")
KEPT = 2  # the number of last parts that an absolute path keeps


def publish_records(records: Path, output: Path) -> None:
    """Write the last record of each id, and the pictures that they name, into `output`, over what stands there.

    Absolute paths in commands, reasons and subjects keep their last two parts, never the first: a reader of the page
    has other folders and does not need these.

    Raises:
        InputError: there are no records, or a picture is missing.
    """
    evidence = Evidence(records)
    for record in evidence.of("picture"):
        file = str(record.subject.get("file", ""))
        (output / file).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(records / file, output / file)
        except FileNotFoundError as error:
            raise InputError(
                f"{records / file} of record '{record.id}' cannot be read ({error.strerror}), but it must be a picture "
                "beside the records. Measure it again with `xnorkit report --only picture`."
            ) from error
    lines = [json.dumps(_portable(record).to_json(), ensure_ascii=False) for record in evidence.records]
    (output / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _portable(record: Record) -> Record:
    subject = {name: _shortened(value) if isinstance(value, str) else value for name, value in record.subject.items()}
    return replace(record, subject=subject, command=_shortened(record.command), reason=_shortened(record.reason))


def _shortened(text: str) -> str:
    return ABSOLUTE.sub(lambda path: "/".join(path[0].strip("/").split("/")[1:][-KEPT:]), text)
