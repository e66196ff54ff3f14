"""Where the files of a data set are looked for, what is said when they are missing, and how they are fetched."""

import contextlib
import http.client
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from xnorkit.errors import DataError

__all__ = ["GONE", "data_root", "existing", "fetch", "missing", "read_bytes", "vanished"]

ARCHIVES = (".gz", ".tgz", ".zip", ".tar")
PACKED = (".xz", ".bz2", ".zst", ".gz", ".zip")
GONE = (FileNotFoundError, NotADirectoryError)
FAILURES = (OSError, RuntimeError, EOFError, http.client.HTTPException, tarfile.TarError, zipfile.BadZipFile)


def data_root(root: Path | str | None) -> Path:
    """Return the folder of the data: `root`, else the environment variable XNORKIT_DATA, else `data`."""
    return Path(root or os.environ.get("XNORKIT_DATA") or "data").expanduser()


def existing(folder: Path, name: str, suffixes: Sequence[str] = ("",)) -> Path | None:
    """Return the file `name` in `folder`, with the first of `suffixes` that exists, or None."""
    return next((path for suffix in suffixes if (path := folder / f"{name}{suffix}").is_file()), None)


def missing(title: str, root: Path, folders: Sequence[str], sets: Sequence[Sequence[str]], remedy: str) -> DataError:
    """Return the error for a data set that is not complete in any folder.

    If a folder holds some of the files, those that it lacks are named; otherwise all that is looked for.

    Args:
        title: name of the data set.
        root: folder that was given.
        folders: looked in, below `root`.
        sets: alternative lists of files, of which one must be complete.
        remedy: how to get the files.
    """
    looked = ", ".join(str(root / sub) for sub in folders)
    alternatives = "; or ".join(", ".join(names) for names in sets)
    nearest = max(
        ((folder, names) for sub in folders for names in sets if (folder := root / sub).is_dir()),
        key=lambda pair: len(_present(*pair)),
        default=None,
    )
    if nearest is not None and (present := _present(*nearest)):
        folder, names = nearest
        lacking = ", ".join(name for name in names if name not in present)
        return DataError(f"{title} in {folder} is not complete: it lacks {lacking}. {remedy}")
    if packed := [path for sub in folders for names in sets for path in _packed(root / sub, names)]:
        return DataError(f"{title} in {packed[0].parent} is packed, as {packed[0].name}; required: unpack it. {remedy}")
    there = "" if root.is_dir() else f" ({root} does not exist)"
    return DataError(f"no {title} in {root}{there}: looked in {looked}. Required: the files {alternatives}. {remedy}")


def fetch(title: str, root: Path, download: Callable[[ModuleType, str], object]) -> None:
    """Download into `root`, which is only changed once everything has arrived.

    Args:
        title: name of the data set, for the error.
        root: made if absent.
        download: called with torchvision.datasets and a folder to fill.

    Raises:
        DataError: the download failed; nothing is left of it.
    """
    from xnorkit.data._torchvision import import_torchvision

    datasets = import_torchvision().datasets
    made = [folder for folder in (root, *root.parents) if not folder.exists()]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as draft:
            with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
                download(datasets, draft)
            for path in sorted(Path(draft).rglob("*")):
                if path.is_file() and not (path.parent == Path(draft) and path.suffix in ARCHIVES):
                    target = root / path.relative_to(draft)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(path, target)
    except FAILURES as error:
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(
            f"the download of {title} into {root} failed: {reason}. Required: a network and a writable folder; or "
            "fetch the files by other means, and name their folder."
        ) from error


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a file, at most `limit` + 1 bytes; DataError if it is missing or cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except GONE as error:
        raise vanished(str(path), error) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}; required: a readable file.") from error


def vanished(path: str, error: OSError) -> DataError:
    """Return the error for a file that was there when the data set was looked for."""
    return DataError(
        f"{path} is missing ({error.strerror}); required: the files of a data set stay in place while they are read. "
        "Bring it back, or connect its disk again; a training then goes on with resume 'last'."
    )


def _packed(folder: Path, names: Sequence[str]) -> list[Path]:
    return [path for name in names for suffix in PACKED if (path := folder / f"{name}{suffix}").is_file()]


def _present(folder: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file() or (folder / f"{name}.gz").is_file()]
