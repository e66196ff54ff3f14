"""Photographs in tar shards: the index of a shard, and the data set that reads it."""

import json
import os
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.data._files import GONE, data_root, vanished
from xnorkit.data.decode import DamagedImageError
from xnorkit.data.folders import OFFICIAL_CLASSES, SUFFIXES, imagenet_split
from xnorkit.data.options import DataOptions
from xnorkit.data.photos import PhotoData
from xnorkit.data.shard_writer import CLASSES
from xnorkit.errors import DataError

__all__ = ["ShardIndex", "ShardSource", "imagenet_webdataset", "shard_index", "webdataset"]

MOST_LABEL = 1_000_000


@dataclass(frozen=True)
class ShardIndex:
    """The offsets and lengths in bytes of the images of a shard, and their labels, each (N,) int64."""

    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]


def shard_index(path: Path) -> ShardIndex:
    """Return the index of a shard, from `.NAME.index.npz` beside it if the shard has not changed since.

    Otherwise read the headers of the shard, and keep the index if the folder is writable.

    Raises:
        DataError: the tar file is damaged, an image lacks its label or a label its image, or a label is not a number.
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
        pass  # the index is missing, damaged, or of another version: read the shard itself
    index = _scanned(path)
    try:
        draft = kept.with_name(f"{kept.name}.{os.getpid()}.npz")
        np.savez(draft, stamp=stamp, offsets=index.offsets, lengths=index.lengths, labels=index.labels)
        draft.replace(kept)
    except OSError:
        pass  # the folder is read-only
    return index


def _scanned(path: Path) -> ShardIndex:
    """Return the index of a shard from its headers."""
    places: dict[str, tuple[int, int]] = {}
    labels: dict[str, int] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                # A key ends at the first dot of the file name: the rule of the webdataset library.
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
        raise DataError(
            f"sample {odd} of {path} lacks its image or its label, but a sample must have KEY.jpg and KEY.cls. Write "
            "the shard again."
        )
    offsets, lengths = np.array(list(places.values()), np.int64).reshape(-1, 2).T
    return ShardIndex(offsets, lengths, np.array([labels[key] for key in places], np.int64))


def _label(path: Path, name: str, content: bytes) -> int:
    text = content.strip()
    if not text.isdigit() or int(text) > MOST_LABEL:
        raise DataError(f"{name} in {path} holds {text!r}, but it must hold a class number in digits.")
    return int(text)


PARTS = {"train": ("train",), "val": ("val", "validation", "test")}
SHARDS_TOGETHER = 8
REMEDY = (
    "Pass the folder that holds them (or set XNORKIT_DATA), or create them from an image folder with "
    "xnorkit.data.write_shards(ROOT, FOLDER)."
)


class ShardSource:
    """Images in tar files on a disk, each read at its offset; nothing is unpacked.

    The headers of all tar files are read once; see `shard_index`.

    Args:
        shards: the tar files, in order.

    Raises:
        DataError: as `shard_index`, or the tar files hold no images.
    """

    def __init__(self, shards: list[Path]) -> None:
        self.shards = shards
        found = [shard_index(path) for path in shards]
        self.shard = np.repeat(np.arange(len(found)), [len(index.labels) for index in found])
        self.offsets = np.concatenate([index.offsets for index in found])
        self.lengths = np.concatenate([index.lengths for index in found])
        self.labels = np.concatenate([index.labels for index in found])
        if not len(self.labels):
            names = ", ".join(map(str, shards[:3]))
            raise DataError(f"{names} must hold pairs KEY.jpg, KEY.cls, but there are none. {REMEDY}")

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, index: int) -> tuple[bytes, int]:
        """Return the bytes of an image file and its label; or raise DataError (no shard) or DamagedImageError."""
        try:
            # Opened for each image, so that workers share no file position and shards never exceed the open-file limit.
            with self.shards[self.shard[index]].open("rb", buffering=0) as file:
                content = os.pread(file.fileno(), int(self.lengths[index]), int(self.offsets[index]))
        except GONE as error:
            raise vanished(str(self.shards[self.shard[index]]), error) from error
        except OSError as error:
            raise DamagedImageError(str(error)) from error
        return content, int(self.labels[index])

    def where(self, index: int) -> str:
        """Return the shard and the offset in it."""
        return f"{self.shards[self.shard[index]]} at byte {self.offsets[index]}"

    def permute(self, generator: np.random.Generator, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `members` in a random order that reads a few shards at a time.

        The shards come in random order, and eight of them are shuffled together. The next image is thus probably in
        the operating system's cache already, and the images of a batch still change from epoch to epoch.
        """
        place = generator.permutation(len(self.shards))  # of each shard in this epoch
        group = place[self.shard[members]] // SHARDS_TOGETHER
        return members[np.lexsort((generator.random(len(members)), group))]


def webdataset(root: Path | str | None = None, options: DataOptions | None = None) -> PhotoData:
    """Return the photographs of webdataset shards on a disk.

    Args:
        root: a folder that holds tar files with `train` in their names and others with `val` (or `validation` or
            `test`), directly or in `webdataset/`; by default XNORKIT_DATA, else `data`. Samples are an image and its
            label in digits, KEY.jpg and KEY.cls. Class names come from `classes.json` if it exists.
        options: see `DataOptions`.

    Raises:
        DataError: shards are missing or damaged, or labels exceed the class names.
    """
    return _data("webdataset", ("webdataset", "."), root, options)


def imagenet_webdataset(root: Path | str | None = None, options: DataOptions | None = None) -> PhotoData:
    """Return ImageNet from webdataset shards: as `webdataset`, in `imagenet-webdataset/` or directly in the folder.

    Raises:
        DataError: as `webdataset`.
    """
    return _data("imagenet-webdataset", ("imagenet-webdataset", "."), root, options)


def _data(name: str, folders: tuple[str, ...], root: Path | str | None, options: DataOptions | None) -> PhotoData:
    root = data_root(root)
    for sub in folders:
        train, test = (_shards(root / sub, words) for words in PARTS.values())
        if train and test:
            return _from(name, root / sub, ShardSource(train), ShardSource(test), options or DataOptions())
    looked = " and ".join(str(root / sub) for sub in folders)
    raise DataError(
        f"no shards were found in {looked}{'' if root.is_dir() else f' ({root} does not exist)'}, but one of them must "
        f"hold *train*.tar and *val*.tar. {REMEDY}"
    )


def _from(name: str, folder: Path, train: ShardSource, test: ShardSource, options: DataOptions) -> PhotoData:
    most = int(max(train.labels.max(), test.labels.max()))
    classes = _class_names(folder / CLASSES) or [
        str(number) for number in range(max(most + 1, OFFICIAL_CLASSES if name.startswith("imagenet") else 0))
    ]
    if most >= len(classes):
        raise DataError(
            f"{folder} holds label {most}, but labels must be below the {len(classes)} classes that {CLASSES} names."
        )
    split_name = "val"
    if name.startswith("imagenet"):
        split_name = imagenet_split(len(classes), len(test))
    return PhotoData(name=name, classes=classes, split_name=split_name, options=options, train=train, test=test)


def _shards(folder: Path, words: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.glob("*.tar") if any(word in path.name for word in words))


def _class_names(path: Path) -> list[str]:
    if not path.is_file():
        return []
    try:
        names: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} must be a JSON list of class names, but reading it failed: {error}.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} must be a JSON list of class names, but it holds something else. Write it again.")
    return names
