"""Where the images of a webdataset shard lie in its tar file."""

import os
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import GONE, vanished
from xnorkit.data.folders import SUFFIXES
from xnorkit.errors import DataError

__all__ = ["ShardIndex", "shard_index"]

MOST_LABEL = 1_000_000


@dataclass(frozen=True)
class ShardIndex:
    """Where the images of a shard lie: offset and length in bytes, and their labels, each (N,) int64."""

    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]


def shard_index(path: Path) -> ShardIndex:
    """Return the index of a shard, from `.NAME.index.npz` beside it where that is of the same size and time.

    Otherwise the headers of the shard are read, and the index is kept if the folder can be written.

    Raises:
        DataError: a damaged tar file, an image without a label or the other way round, a label that is no number.
    """
    kept = path.with_name(f".{path.name}.index.npz")
    try:
        state = path.stat()
    except OSError as error:
        raise vanished(str(path), error) from error
    stamp = np.array([state.st_size, state.st_mtime_ns])
    try:
        with kept.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            index = ShardIndex(arrays["offsets"], arrays["lengths"], arrays["labels"])
            inside = index.offsets.min(initial=0) >= 0 and (index.offsets + index.lengths).max(initial=0) <= stamp[0]
            if np.array_equal(arrays["stamp"], stamp) and inside:
                return index
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile):
        pass  # none yet, of another version, or damaged: read the shard itself
    index = _scanned(path)
    try:
        draft = kept.with_name(f"{kept.name}.{os.getpid()}.npz")
        np.savez(draft, stamp=stamp, offsets=index.offsets, lengths=index.lengths, labels=index.labels)
        draft.replace(kept)
    except OSError:
        pass  # a folder that only can be read
    return index


def _scanned(path: Path) -> ShardIndex:
    """Return the index of a shard from the headers in it."""
    places: dict[str, tuple[int, int]] = {}
    labels: dict[str, int] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                # A key ends at the first dot of the file's name: the rule of the webdataset library.
                parent, (stem, _, suffix) = PurePosixPath(member.name).parent, Path(member.name).name.partition(".")
                key = f"{parent}/{stem}"
                if f".{suffix.lower()}" in SUFFIXES:
                    places[key] = member.offset_data, member.size
                elif suffix == "cls":
                    content = archive.extractfile(member)
                    labels[key] = _label(path, member.name, content.read(16) if content else b"")
        if any(offset + length > path.stat().st_size for offset, length in places.values()):
            raise tarfile.ReadError("it ends inside an image")
    except GONE as error:
        raise vanished(str(path), error) from error
    except (OSError, tarfile.TarError, EOFError) as error:
        raise DataError(f"{path} is damaged: {error}. Write or fetch it again.") from error
    if places.keys() != labels.keys():
        odd = sorted(places.keys() ^ labels.keys())[0]
        raise DataError(f"{path}: sample {odd} lacks its image or its label; required: KEY.jpg and KEY.cls.")
    offsets, lengths = np.array(list(places.values()), np.int64).reshape(-1, 2).T
    return ShardIndex(offsets, lengths, np.array([labels[key] for key in places], np.int64))


def _label(path: Path, name: str, content: bytes) -> int:
    text = content.strip()
    if not text.isdigit() or int(text) > MOST_LABEL:
        raise DataError(f"{path}: {name} holds {text!r}; required: a class number in digits.")
    return int(text)
