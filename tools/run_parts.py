"""Pack run folders into a few files of bounded size, and unpack them."""

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import torch

from xnorkit.errors import DataError, InputError
from xnorkit.train.checkpoint import EMA, KEY

__all__ = ["PART_BYTES", "Keep", "collect", "restore", "weights_alone"]

PART_BYTES = 15_000_000
MANIFEST = "runs.json"
RECORDS = ("recipe.yaml", "log.csv", "result.json")
Keep = Literal["auto", "state", "weights", "logs"]


def collect(folders: Sequence[Path], output: Path, keep: Keep = "auto", part_bytes: int = PART_BYTES) -> list[Path]:
    """Write run folders into `output` as `runs.00`, `runs.01`, ... and `runs.json`, which lists them; return the files.

    Args:
        folders: the folders of runs; absent ones are skipped.
        output: a folder, which is created if it does not exist; the parts of an earlier call are replaced.
        keep: "state" keeps the whole last.ckpt, which `restore` returns byte by byte, for resuming; "weights" keeps the
            weights alone, a third of it with Adam, for publishing; "logs" keeps neither; "auto", weights of finished
            runs and the state of the others.
        part_bytes: the largest size of a part in bytes.

    Raises:
        InputError: there is nothing to collect.
    """
    there = [folder for folder in folders if (folder / "last.ckpt").is_file()]
    if not there:
        raise InputError(f"none of {', '.join(map(str, folders))} holds a last.ckpt, but one must.")
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("runs.*"):
        old.unlink()
    writer = _Parts(output, part_bytes)
    kept = {}
    with tarfile.open(fileobj=writer, mode="w|") as archive:
        for folder in there:
            finished = (folder / "result.json").is_file()
            how = keep if keep != "auto" else "weights" if finished else "state"
            kept[folder.name] = how
            for name in RECORDS:
                if (folder / name).is_file():
                    archive.add(folder / name, f"{folder.name}/{name}")
            if how != "logs":
                with _checkpoint(folder / "last.ckpt", how) as file:
                    archive.add(file, f"{folder.name}/last.ckpt")
    writer.close()
    listed = [{"name": part.name, "bytes": part.stat().st_size, "sha256": _digest(part)} for part in writer.paths]
    manifest = output / MANIFEST
    manifest.write_text(json.dumps({"runs": kept, "parts": listed}, indent=1) + "\n", encoding="utf-8")
    return [*writer.paths, manifest]


def restore(source: Path, runs: Path) -> list[str]:
    """Unpack what `collect` wrote in `source` into the folder `runs`; return the names of the runs.

    Raises:
        DataError: a part is missing or altered.
    """
    try:
        manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{source / MANIFEST} must list what was collected, but reading it failed: {error}.") from error
    for part in manifest["parts"]:
        path = source / part["name"]
        if not path.is_file() or _digest(path) != part["sha256"]:
            raise DataError(f"{path} is missing or altered, but all parts that {MANIFEST} lists must be present.")
    joined = _Joined([source / part["name"] for part in manifest["parts"]])
    with joined, tarfile.open(fileobj=cast(Any, joined), mode="r|") as archive:
        archive.extractall(runs, filter="data")
    return list(manifest["runs"])


def weights_alone(checkpoint: Path, target: Path) -> None:
    """Write the exact weights of a checkpoint, averaged ones if it has them, with their description."""
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    about, state = dict(content[KEY]), content["state_dict"]
    if EMA in about:
        state = {f"model.{name}": value for name, value in about.pop(EMA)["average"].items()}
    torch.save({"epoch": content["epoch"], "state_dict": state, KEY: about}, target)


@contextmanager
def _checkpoint(path: Path, keep: str) -> Iterator[Path]:
    if keep == "state":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        weights_alone(path, Path(folder) / path.name)
        yield Path(folder) / path.name


class _Parts(io.RawIOBase):
    """A stream that writes a sequence of files of bounded size."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self.paths: list[Path] = []
        self.room = 0
        self.file: io.BufferedWriter | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`."""
        rest = memoryview(data)
        while rest:
            if not self.room:
                self._next()
            assert self.file is not None
            self.file.write(rest[: self.room])
            written = min(self.room, len(rest))
            self.room, rest = self.room - written, rest[written:]
        return len(data)

    def close(self) -> None:
        """Close the last file."""
        if self.file is not None:
            self.file.close()
        super().close()

    def _next(self) -> None:
        if self.file is not None:
            self.file.close()
        self.paths.append(self.folder / f"runs.{len(self.paths):02d}")
        self.file, self.room = self.paths[-1].open("wb"), self.size


class _Joined(io.RawIOBase):
    """A stream that reads a sequence of files."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.rest = list(paths)
        self.file: io.BufferedReader | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from the current file and return the number of bytes, 0 at the end of the last file."""
        while True:
            if self.file is not None:
                count = self.file.readinto(buffer)
                if count:
                    return count
                self.file.close()
            if not self.rest:
                return 0
            self.file = self.rest.pop(0).open("rb")

    def close(self) -> None:
        """Close the open file, because an archive is not read to its last byte."""
        if self.file is not None:
            self.file.close()
        super().close()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
