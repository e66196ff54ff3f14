"""Folders that this library writes into: tracks its own files, and lets one process write at a time."""

import contextlib
import errno
import hashlib
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xnorkit.errors import InputError, OutputError

__all__ = ["MARK", "SPACE", "OwnedFolder", "whole_file", "write_whole", "writing"]

MARK = ".xnorkit"
"""The file in a folder that lists what this library wrote there; the process that writes holds a lock on it."""
DRAFT = ".part"
FAR = 1 << 30  # the byte that Windows locks: far past the content, which stays readable
_open: set[int] = set()  # descriptors of marks; a forked child, such as a data worker, must not keep the lock


SPACE = "Choose a folder that can be written, on a disk with space"


@contextlib.contextmanager
def writing(path: Path, remedy: str = SPACE) -> Iterator[None]:
    """Turn a system error while writing to `path` into an OutputError; `remedy` says what to do."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror or error}). {remedy}.") from error


@contextlib.contextmanager
def whole_file(path: Path, remedy: str = SPACE) -> Iterator[Path]:
    """Yield a draft next to `path`, which replaces it once it is complete and on disk; no draft is ever left.

    Raises:
        OutputError: the file cannot be written; the previous file is still there.
    """
    draft = path.with_name(f"{path.name}{DRAFT}")
    with writing(path, remedy):
        try:
            yield draft
            with draft.open("rb") as file:
                os.fsync(file.fileno())  # some disks report only now that they are full
            draft.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise


def write_whole(path: Path, content: bytes, **options: str) -> None:
    """Replace the content of a file atomically; arguments and errors as in `whole_file`."""
    with whole_file(path, **options) as draft:
        draft.write_bytes(content)


class OwnedFolder:
    """A folder in which this library removes and replaces only what it wrote.

    The file `.xnorkit` lists the names that are the library's own. For a file that a user may edit it holds a hash; an
    edited file is no longer the library's own. The operating system releases the lock on `.xnorkit` when the process
    ends, however it ends.

    Args:
        path: the folder; `held` makes it.
        remedy: what else a user can do if the folder cannot be used, for errors.
    """

    def __init__(self, path: Path, remedy: str = "choose another output folder") -> None:
        self.path, self.remedy = path, remedy
        self._descriptor = -1
        self._names: dict[str, list[str]] = {}  # name -> hashes of what it may hold; empty: any content

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and hold its lock; at the end, remove a mark that lists nothing, and new folders left empty.

        Raises:
            OutputError: the folder cannot be made.
            InputError: another process holds it; names it.
        """
        made: list[Path] = []
        try:
            made += [folder for folder in (self.path, *self.path.parents) if not os.path.lexists(folder)]
            self._acquire()
        except OSError as error:
            _remove_empty(made)
            raise OutputError(
                f"{self.path} cannot be used as a folder ({error.strerror}), but it must be one that can be made and "
                f"written. Make room for it, or {self.remedy}."
            ) from error
        self._names = self._read().get("names", {})
        try:
            self._save()  # tells refused processes which process holds the folder
            yield
        finally:
            self._names = {name: hashes for name, hashes in self._names.items() if os.path.lexists(self.path / name)}
            with contextlib.suppress(OSError, OutputError):  # the folder was removed, or made immutable
                self._save() if self._names else (self.path / MARK).unlink()
            _open.discard(self._descriptor)
            os.close(self._descriptor)
            _remove_empty(made)

    def owns(self, name: str) -> bool:
        """Return whether this library wrote the entry of that name, and nobody changed it."""
        hashes = self._names.get(name)
        return hashes is not None and (not hashes or _hash((self.path / name).read_bytes()) in hashes)

    def claim(self, names: Sequence[str]) -> None:
        """Reserve names for what will be written; InputError if the library does not own what has one of them."""
        foreign = [name for name in names if os.path.lexists(self.path / name) and not self.owns(name)]
        if foreign:
            changed = [name for name in foreign if name in self._names]
            what = f"{foreign[0]}, changed since xnorkit wrote it" if changed else f"{', '.join(foreign)}, not its own"
            raise InputError(
                f"{self.path} holds {what}, but it must hold nothing of yours under the names that are written there. "
                f"Move it elsewhere, or {self.remedy}."
            )
        for name in names:
            self._names.setdefault(name, [])
        self._save()

    def adopt(self, names: Sequence[str]) -> None:
        """Own the entries of these names, written by a version that made no mark."""
        for name in names:
            self._names.setdefault(name, [])
        self._save()

    def write(self, name: str, text: str) -> None:
        """Replace a file atomically; from now on the library owns it as long as nobody edits it."""
        content = text.encode()
        self._names[name] = [*self._names.get(name, [])[-1:], _hash(content)]
        self._save()
        write_whole(self.path / name, content)

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """Replace the files of these names: all of them, or none if one cannot be written."""
        self.claim(list(files))
        with contextlib.ExitStack() as drafts:
            for name, content in files.items():
                drafts.enter_context(whole_file(self.path / name)).write_bytes(content)

    def own_names(self) -> list[str]:
        """Return the listed names that exist."""
        return [name for name in self._names if os.path.lexists(self.path / name)]

    def remove(self, name: str) -> None:
        """Remove a file if the library owns it."""
        with contextlib.suppress(OSError):
            if self.owns(name):
                (self.path / name).unlink()

    def _acquire(self) -> None:
        """Open the mark and lock it; open it again if its holder removed it in the meantime."""
        mark = self.path / MARK
        while True:
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            self._descriptor = descriptor
            try:
                if not _lock(descriptor):
                    holder = self._read()
                    raise InputError(
                        f"{self.path} is in use by process {holder.get('process', '?')} on {holder.get('host', '?')}, "
                        "but it must be a folder that no other process writes to. "
                        f"Wait for that process, or {self.remedy}."
                    )
                if mark.exists() and os.path.samestat(os.fstat(descriptor), mark.stat()):
                    _open.add(descriptor)
                    return
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _read(self) -> dict[str, Any]:
        """Return the content of the mark; an invalid mark counts as empty."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        text = os.read(self._descriptor, 1 << 20).decode(errors="replace")
        try:
            content, _ = json.JSONDecoder().raw_decode(text)
            names = content.get("names", {})
            whole = isinstance(names, dict) and all(isinstance(hashes, list) for hashes in names.values())
        except (ValueError, AttributeError, RecursionError):
            return {}
        return content if whole else {}

    def _save(self) -> None:
        # One write of everything: the rest of a longer previous text is cut off, and ignored until then.
        content = {"process": os.getpid(), "host": socket.gethostname(), "names": self._names}
        data = (json.dumps(content) + "\n").encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        before = os.read(self._descriptor, 1 << 20)
        with writing(self.path / MARK):
            try:
                self._put(data)
            except OSError:
                with contextlib.suppress(OSError):
                    self._put(before)  # there was space for this
                raise

    def _put(self, data: bytes) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        if os.write(self._descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(self._descriptor, len(data))


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _lock(descriptor: int) -> bool:
    """Return whether this process now holds the lock; True, with a warning, if the file system has no locks."""
    try:
        if os.name == "nt":
            import msvcrt  # noqa: PLC0415

            os.lseek(descriptor, FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        print(f"warning: no lock ({error.strerror}): let no other process write to this folder", file=sys.stderr)
    return True


def _close_in_child() -> None:
    for descriptor in _open:
        os.close(descriptor)
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
