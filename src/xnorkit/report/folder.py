"""The folder of a report, in which one process at a time replaces nothing but the files of a report."""

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
    """Hold the folder of a report, and create it if it does not exist.

    Raises:
        InputError: it holds other files under the names of a report, or another process writes to it.
        OutputError: it cannot be created.
    """
    own = OwnedFolder(path)
    with own.held():
        if not own.own_names() and (path / NAMES[0]).is_file():  # from a version that wrote no mark
            with contextlib.suppress(InputError):
                if len(Store(path)):
                    own.adopt([name for name in NAMES if (path / name).exists()])
        own.claim(NAMES)
        yield
