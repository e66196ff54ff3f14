"""The folder of a report: one process writes to it, over nothing but what a report wrote."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.owned import OwnedFolder
from xnorkit.report.records import Store

__all__ = ["report_folder"]

NAMES = ("records.jsonl", "index.html", "report.md", "figures", "pictures", "models")  # each run in runs/ has its mark


@contextlib.contextmanager
def report_folder(path: Path) -> Iterator[None]:
    """Hold the folder of a report, made if absent.

    Raises:
        InputError: it holds files of somebody else's under the names of a report, or another process writes to it.
        OutputError: it cannot be made.
    """
    own = OwnedFolder(path)
    with own.held():
        if not own.own_names() and (path / NAMES[0]).is_file():  # of a version that made no mark
            with contextlib.suppress(InputError):
                if len(Store(path)):
                    own.adopt([name for name in NAMES if (path / name).exists()])
        own.claim(NAMES)
        yield
