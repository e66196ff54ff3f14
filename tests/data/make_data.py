"""Writes made-up data in the official format of every data set: what `create_data` reads, with random pixels.

`make(name, root)` writes the files of data set `name` into `root` and returns `root`. Sets whose files have a fixed
official size are written whole (CIFAR 184 MB, MNIST 55 MB), so share them between tests and delete them.
"""

import gzip
import io
import struct
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
    "cifar100": lambda root: make_cifar100(root / "cifar-100-python"),
    "digits": lambda root: None,
    "fashion-mnist": lambda root: make_mnist(root / "fashion-mnist"),
    "imagefolder": make_image_folder,
    "imagenet": lambda root: make_image_folder(root / "imagenet", ("n01440764", "n01443537")),
    "mnist": lambda root: make_mnist(root / "mnist"),
}
