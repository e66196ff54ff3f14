"""Write an image folder as webdataset shards: tar files of images and labels."""

import io
import json
import tarfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import cast

import numpy as np

from xnorkit.data._files import data_root
from xnorkit.data.decode import DamagedImageError, Photo
from xnorkit.data.folders import imagefolder
from xnorkit.data.photos import PhotoSource
from xnorkit.errors import InputError

__all__ = ["write_shards"]

CLASSES = "classes.json"


def write_shards(
    root: Path | str | None, folder: Path | str, *, images_per_shard: int = 1000, seed: int = 0
) -> dict[str, int]:
    """Write train-000000.tar, ..., val-000000.tar, ... and classes.json into `folder`; return the images per part.

    A sample is two members of a tar file, KEY.SUFFIX with the unchanged bytes of the image file and KEY.cls with the
    label in digits, which is the layout of the webdataset library. Training images are written in a random order, so
    that each shard holds a mixture. Damaged images are left out.

    Args:
        root: an image folder as for `imagefolder`.
        folder: the folder of the shards; it is created if it does not exist.
        images_per_shard: the number of images in every shard but the last.
        seed: the seed of the order.

    Raises:
        DataError: as `imagefolder`.
        InputError: images_per_shard is below 1, or the folder holds shards already.
    """
    if images_per_shard < 1:
        raise InputError(f"images_per_shard={images_per_shard}, but it must be at least 1.")
    folder = Path(folder)
    if any(folder.glob("*.tar")):
        raise InputError(f"{folder} must not hold shards, but it does. Remove them or choose another folder.")
    data = imagefolder(data_root(root))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CLASSES).write_text(json.dumps(data.classes, indent=0), encoding="utf-8")
    written = {}
    for part, source, members in (("train", data.train, data.train_members), ("val", data.test, data.test_members)):
        order = np.random.default_rng(seed).permutation(members) if part == "train" else members
        written[part] = _write_part(_samples(source, order.tolist()), folder / part, images_per_shard)
    return written


def _samples(source: PhotoSource, order: list[int]) -> Iterator[tuple[str, bytes, int]]:
    """Yield the suffix, content and label of each image that can be decoded."""
    for index in order:
        try:
            content, label = source.read(index)
            Photo(content).pixels()
        except DamagedImageError:
            continue
        yield Path(source.where(index)).suffix.lower(), cast(bytes, content), label


def _write_part(samples: Iterator[tuple[str, bytes, int]], prefix: Path, images_per_shard: int) -> int:
    count = 0
    while first := list(islice(samples, 1)):
        with tarfile.open(f"{prefix}-{count // images_per_shard:06d}.tar", "w") as archive:
            for suffix, content, label in chain(first, islice(samples, images_per_shard - 1)):
                for name, member in ((f"{count:08d}{suffix}", content), (f"{count:08d}.cls", str(label).encode())):
                    header = tarfile.TarInfo(name)
                    header.size = len(member)
                    archive.addfile(header, io.BytesIO(member))
                count += 1
    return count
