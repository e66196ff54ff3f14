"""Run folders as a few files of bounded size, and back."""

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
        folders: of runs; what is not there is left out.
        output: folder, made if absent; the parts of an earlier call are replaced.
        keep: "state": the whole last.ckpt, from which `restore` gives every byte back, to be resumed; "weights": the
            weights alone, a third of that with Adam, to be published; "logs": neither; "auto": weights of finished
            runs, the state of the others.
        part_bytes: most bytes of a part.

    Raises:
        InputError: there is nothing to collect.
    """
    there = [folder for folder in folders if (folder / "last.ckpt").is_file()]
    if not there:
        raise InputError(f"none of {', '.join(map(str, folders))} holds a last.ckpt; required: a run with an epoch.")
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
        raise DataError(f"{source / MANIFEST} cannot be read ({error}); required: what was collected.") from error
    for part in manifest["parts"]:
        path = source / part["name"]
        if not path.is_file() or _digest(path) != part["sha256"]:
            raise DataError(f"{path} is missing or altered; required: all parts that {MANIFEST} lists.")
    joined = _Joined([source / part["name"] for part in manifest["parts"]])
    with joined, tarfile.open(fileobj=cast(Any, joined), mode="r|") as archive:
        archive.extractall(runs, filter="data")
    return list(manifest["runs"])


def weights_alone(checkpoint: Path, target: Path) -> None:
    """Write the weights of a checkpoint with what describes them, exactly; the averaged ones where it has them."""
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
    """A stream that is written to one file after the other, none above a size."""

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
    """A stream that is read from one file after the other."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.rest = list(paths)
        self.file: io.BufferedReader | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as a file goes; 0 at the end of the last."""
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
        """Close the file that is open: an archive is not read to its last byte."""
        if self.file is not None:
            self.file.close()
        super().close()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
