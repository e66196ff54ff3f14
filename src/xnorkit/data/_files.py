"""Find, read and download the files of a data set, and report the missing ones."""

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
    """Return the error for a data set that no folder holds completely.

    If a folder holds some of the files, the message names those that it lacks; otherwise it names every file.

    Args:
        title: the name of the data set.
        root: the folder that the caller passed.
        folders: the folders below `root` that were searched.
        sets: alternative lists of files, one of which must be complete.
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
        return DataError(f"{title} in {folder} is incomplete: it lacks {lacking}. {remedy}")
    if packed := [path for sub in folders for names in sets for path in _packed(root / sub, names)]:
        return DataError(f"{packed[0]} of {title} is compressed, but it must be unpacked. Unpack it in its folder.")
    there = "" if root.is_dir() else f" ({root} does not exist)"
    return DataError(f"{title} was not found in {looked}{there}, but a folder must hold {alternatives}. {remedy}")


def fetch(title: str, root: Path, download: Callable[[ModuleType, str], object]) -> None:
    """Download into `root`, which changes only after everything has arrived.

    Args:
        title: the name of the data set, for the error.
        root: the folder; it is created if it does not exist.
        download: a function of torchvision.datasets and the folder that it fills.

    Raises:
        DataError: the download failed; it leaves nothing on the disk.
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
            f"the download of {title} into {root} failed: {reason}. It needs a network and a writable folder. You can "
            "also fetch the files by other means and pass their folder."
        ) from error


def read_bytes(path: Path, limit: int) -> bytes:
    """Return at most `limit` + 1 bytes of a file; a file that is missing or unreadable is a DataError."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except GONE as error:
        raise vanished(str(path), error) from error
    except OSError as error:
        raise DataError(f"{path} must be readable, but reading it failed: {error.strerror}. Check the file.") from error


def vanished(path: str, error: OSError) -> DataError:
    """Return the error for a file that has vanished since the data set was found."""
    return DataError(
        f"{path} is missing ({error.strerror}), but the files of a data set must stay in place while they are in use. "
        "Restore the file or reconnect its disk; a training then continues with resume 'last'."
    )


def _packed(folder: Path, names: Sequence[str]) -> list[Path]:
    return [path for name in names for suffix in PACKED if (path := folder / f"{name}{suffix}").is_file()]


def _present(folder: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file() or (folder / f"{name}.gz").is_file()]
