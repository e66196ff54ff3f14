"""Writes made-up data in the official format of every data set: what `create_data` reads, with random pixels.

`make(name, root)` writes the files of data set `name` into `root` and returns `root`. Sets whose files have a fixed
official size are written whole (CIFAR 184 MB, MNIST 55 MB), so share them between tests and delete them.
"""

import gzip
import io
import struct
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["make", "make_cifar10", "make_cifar100", "make_mnist", "python2_pickle", "random_images"]

MNIST_COUNTS = {"train": 60_000, "t10k": 10_000}


def make(name: str, root: Path) -> Path:
    """Write data set `name` below `root`, which is made if absent, and return `root`."""
    root.mkdir(parents=True, exist_ok=True)
    MAKERS[name](root)
    return root


def random_images(seed: int, *shape: int) -> NDArray[np.uint8]:
    """Return random bytes of `shape`."""
    return np.frombuffer(np.random.default_rng(seed).bytes(int(np.prod(shape))), np.uint8).reshape(shape)


def make_mnist(folder: Path, suffix: str = "") -> None:
    """Write the four idx files, compressed for suffix ".gz"; labels count 0 to 9 over and over."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (part, count) in enumerate(MNIST_COUNTS.items()):
        images = struct.pack(">4I", 0x803, count, 28, 28) + random_images(seed, count, 784).tobytes()
        labels = struct.pack(">2I", 0x801, count) + counting(count, 10).tobytes()
        for kind, content in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{part}-{kind}-ubyte{suffix}"
            path.write_bytes(gzip.compress(content, 1) if suffix else content)


def make_cifar10(folder: Path, *, binary: bool = False, test: bool = True) -> None:
    """Write CIFAR-10, python or binary version, with or without its test batch; file i has random_images(i, ...)."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"data_batch_{number}" for number in range(1, 6)] + (["test_batch"] if test else [])
    for number, name in enumerate(names, 1):
        images, labels = random_images(number, 10_000, 3072), counting(10_000, 10)
        if binary:
            (folder / f"{name}.bin").write_bytes(np.column_stack([labels, images]).tobytes())
        else:
            (folder / name).write_bytes(python2_pickle(images, {"labels": labels.tolist()}))


def make_cifar100(folder: Path, *, binary: bool = False) -> None:
    """Write CIFAR-100, python or binary version; coarse labels are a fifth of the fine ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 50_000), ("test", 10_000)):
        images, fine = random_images(count, count, 3072), counting(count, 100)
        if binary:
            (folder / f"{name}.bin").write_bytes(np.column_stack([fine // 5, fine, images]).tobytes())
        else:
            labels = {"coarse_labels": (fine // 5).tolist(), "fine_labels": fine.tolist()}
            (folder / name).write_bytes(python2_pickle(images, labels))


def photo(seed: int, width: int = 96, height: int = 72) -> NDArray[np.uint8]:
    """Return RGB pixels (height, width, 3) of a smooth random picture, in colours that depend on the seed."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(random_images(seed, 6, 8, 3)).resize((width, height), Image.Resampling.BICUBIC)
    noise = generator.normal(0, 6, (height, width, 3))
    return np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8)


def jpeg(pixels: NDArray[np.uint8], quality: int = 92) -> bytes:
    """Return the bytes of a JPEG file of RGB pixels (H, W, 3)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def make_image_folder(
    folder: Path, classes: Sequence[str] = ("ant", "bee"), counts: Mapping[str, int] | None = None
) -> None:
    """Write PART/CLASS/NUMBER.JPEG for each part and class, by default 8 images a class in train and 4 in val."""
    seed = 0
    for part, count in (counts or {"train": 8, "val": 4}).items():
        for name in classes:
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                seed += 1
                # Sizes differ, and one of three is upright.
                size = (96 + seed, 72) if seed % 3 else (72, 96 + seed)
                (folder / part / name / f"{number}.JPEG").write_bytes(jpeg(photo(seed, *size)))


def make_shards(folder: Path, images_per_shard: int = 5) -> None:
    """Write train-*.tar and val-*.tar of 16 and 8 images in 2 classes, by hand, and classes.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classes.json").write_text('["ant", "bee"]')
    for part, count in (("train", 16), ("val", 8)):
        for start in range(0, count, images_per_shard):
            with tarfile.open(folder / f"{part}-{start // images_per_shard:06d}.tar", "w") as archive:
                for number in range(start, min(count, start + images_per_shard)):
                    image = jpeg(photo(number + 100 * (part == "val")))
                    for suffix, content in (("jpg", image), ("cls", b"%d" % (number % 2)), ("txt", b"else")):
                        header = tarfile.TarInfo(f"{number:04d}.{suffix}")
                        header.size = len(content)
                        archive.addfile(header, io.BytesIO(content))


def make_whitened(folder: Path, counts: tuple[int, int] = (64, 32)) -> None:
    """Write train_data, train_labels, test_data, test_labels with as many random floats (N, 3, 32, 32)."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for part, count in zip(("train", "test"), counts, strict=True):
        for name, array in (
            (f"{part}_data", generator.standard_normal((count, 3, 32, 32)).astype(np.float32)),
            (f"{part}_labels", counting(count, 10).astype(np.int64)),
        ):
            with (folder / name).open("wb") as file:
                np.save(file, array)


def make_lmdb(folder: Path, counts: tuple[int, int] = (16, 8), *, side: int = 256, key: str = "{:08}") -> None:
    """Write ilsvrc12_train_lmdb, ilsvrc12_val_lmdb and imagenet_mean.binaryproto; labels count to 999.

    Image i of a part has photo(i or 100 + i, side, side), blue first; the last one is stored as a JPEG file.
    """
    import lmdb

    for part, count, first in (("train", counts[0], 0), ("val", counts[1], 100)):
        target = folder / f"ilsvrc12_{part}_lmdb"
        target.mkdir(parents=True, exist_ok=True)
        with (
            lmdb.open(str(target), map_size=1 << 28, sync=False) as environment,
            environment.begin(write=True) as transaction,
        ):
            for number in range(count):
                pixels = photo(first + number, side, side)
                encoded = number == count - 1
                content = jpeg(pixels) if encoded else pixels.transpose(2, 0, 1)[::-1].tobytes()
                transaction.put(key.format(number).encode(), datum(content, side, number % 1000, encoded))
    rows = np.arange(side, dtype="<f4")[:, None] / 4 + np.zeros(side, "<f4")
    (folder / "imagenet_mean.binaryproto").write_bytes(blob(np.stack([rows + 80, rows + 90, rows + 100])))


def datum(content: bytes, side: int, label: int, encoded: bool = False) -> bytes:
    """Return a serialised caffe.Datum: channels 1, height 2, width 3, data 4, label 5, encoded 7."""
    head = b"".join(varint(tag << 3) + varint(value) for tag, value in ((1, 3), (2, side), (3, side)))
    body = varint(4 << 3 | 2) + varint(len(content)) + content + varint(5 << 3) + varint(label)
    return head + body + (varint(7 << 3) + varint(1) if encoded else b"")


def blob(array: NDArray[np.float32]) -> bytes:
    """Return a serialised caffe.BlobProto as compute_image_mean writes it: num 1 ... width 4, packed data 5."""
    values = array.astype("<f4").tobytes()
    head = b"".join(varint(tag << 3) + varint(value) for tag, value in zip(range(1, 5), (1, *array.shape), strict=True))
    return head + varint(5 << 3 | 2) + varint(len(values)) + values


def varint(value: int) -> bytes:
    """Return protobuf's encoding of a number that is not negative."""
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def counting(count: int, classes: int) -> NDArray[np.uint8]:
    """Return labels 0, 1, ..., classes - 1, 0, 1, ..."""
    return (np.arange(count) % classes).astype(np.uint8)


def python2_pickle(images: NDArray[np.uint8], labels: dict[str, list[int]]) -> bytes:
    """Return the pickle (protocol 2) that Python 2 and its NumPy wrote of {'data': images, **labels}.

    Strings are byte strings (opcode U), the array is numpy.core.multiarray._reconstruct and a state.
    """

    def string(text: bytes) -> bytes:
        return b"U" + struct.pack("<B", len(text)) + text

    def integer(value: int) -> bytes:
        return b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)

    parts = [b"\x80\x02}("]
    for key, values in labels.items():
        parts += [string(key.encode()), b"](", *map(integer, values), b"e"]
    content = images.tobytes()
    parts += [
        string(b"data"),
        *(b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"K\x00\x85", string(b"b"), b"\x87R"),
        *(b"(", integer(1), *map(integer, images.shape), b"\x86" if images.ndim == 2 else b"\x87"),
        *(b"cnumpy\ndtype\n", string(b"u1"), b"K\x00K\x01\x87R"),
        *(b"(K\x03", string(b"|"), b"NNN", b"J\xff\xff\xff\xff" * 2, b"K\x00tb"),
        *(b"\x89", b"T", struct.pack("<i", len(content)), content, b"tb"),
        b"u.",
    ]
    return b"".join(parts)


MAKERS: dict[str, Callable[[Path], object]] = {
    "cifar10": lambda root: make_cifar10(root / "cifar-10-batches-py"),
    "cifar10-whitened": lambda root: make_whitened(root / "cifar10-whitened"),
    "cifar100": lambda root: make_cifar100(root / "cifar-100-python"),
    "digits": lambda root: None,
    "fashion-mnist": lambda root: make_mnist(root / "fashion-mnist"),
    "imagefolder": make_image_folder,
    "imagenet": lambda root: make_image_folder(root / "imagenet", ("n01440764", "n01443537")),
    "imagenet-lmdb": lambda root: make_lmdb(root / "imagenet-lmdb"),
    "imagenet-webdataset": lambda root: make_shards(root / "imagenet-webdataset"),
    "mnist": lambda root: make_mnist(root / "mnist"),
    "webdataset": lambda root: make_shards(root / "webdataset"),
}
