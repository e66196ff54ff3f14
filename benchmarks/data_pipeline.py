"""Measures the input pipeline: decoding, augmentation, and what it costs beside a training step of LeNet-5.

Run as `python benchmarks/data_pipeline.py [decode|augment|training]...`, by default all three. Figures are minima over
interleaved rounds of the CPU seconds of this process, on one thread, so that a busy machine disturbs them less.
"""

import io
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from xnorkit.data import Augmentation, DataOptions, ImageBatches, Split, create_data, normalize
from xnorkit.data._torchvision import import_transforms
from xnorkit.data.decode import Photo
from xnorkit.data.photo_crops import ModernTest, ModernTrain
from xnorkit.models import create_model

SIDE, BATCH = 224, 128
Box = tuple[int, int, int, int]  # top, left, height, width


def minima(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least CPU seconds of each work; the works take turns."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - start)
    return best


def photo(generator: np.random.Generator, width: int, height: int) -> bytes:
    """Return a JPEG of noise at all scales, whose file is as large as that of a photograph."""
    total = np.zeros((height, width, 3), np.float32)
    for scale in (1, 2, 4, 8, 16, 32, 64):
        noise = generator.standard_normal((height // scale + 2, width // scale + 2, 3)).astype(np.float32)
        planes = [Image.fromarray(noise[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(3)]
        total += np.stack(planes, -1) * scale**0.8
    stream = io.BytesIO()
    pixels = np.clip(total / total.std() * 55 + 120, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return the whole image, decoded by Pillow."""
    return Image.open(io.BytesIO(content)).convert("RGB")


def pillow(content: bytes, box: Box) -> Tensor:
    """Return torchvision's crop and resize of a Pillow image."""
    functional = import_transforms().functional
    return functional.pil_to_tensor(functional.resized_crop(opened(content), *box, [SIDE, SIDE]))


def tensor(content: bytes, box: Box) -> Tensor:
    """Return torchvision's crop and resize of a uint8 tensor."""
    functional = import_transforms().functional
    return functional.resized_crop(functional.pil_to_tensor(opened(content)), *box, [SIDE, SIDE])


def box_gap(content: bytes, box: Box) -> Tensor:
    """Return Pillow's crop and resize in one call, with reducing_gap."""
    top, left, tall, wide = box
    edges = (left, top, left + wide, top + tall)
    part = opened(content).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=edges, reducing_gap=2.0)
    return import_transforms().functional.pil_to_tensor(part)


class Given(ModernTrain):
    """Our crop of a part that is given."""

    def __init__(self, box: Box) -> None:
        super().__init__(SIDE, 0.08)
        self.given = box

    def box(self, height: int, width: int, generator: np.random.Generator) -> Box:
        """Return the part."""
        return self.given


def ours(content: bytes, box: Box) -> Tensor:
    """Return what the training pipeline makes: shrunk while decoding, resized as a uint8 tensor."""
    return Given(box)(Photo(content), np.random.default_rng(0))


def centre(content: bytes, _box: Box) -> Tensor:
    """Return torchvision's resize to 256 and centre of a Pillow image."""
    functional = import_transforms().functional
    return functional.pil_to_tensor(functional.center_crop(functional.resize(opened(content), [256]), [SIDE, SIDE]))


def our_centre(content: bytes, _box: Box) -> Tensor:
    """Return what the evaluation pipeline makes."""
    return ModernTest(SIDE)(Photo(content), np.random.default_rng(0))


def all_of(way: Callable[[bytes, Box], Tensor], photos: list[bytes], boxes: list[Box]) -> None:
    """Crop every photo."""
    for content, box in zip(photos, boxes, strict=True):
        way(content, box)


def decode() -> None:
    """Ways from a JPEG to a random 224x224 part, and to the centre."""
    for width, height in ((500, 375), (2000, 1500)):
        generator = np.random.default_rng(0)
        photos = [photo(generator, width, height) for _ in range(8)]
        boxes = [ModernTrain(SIDE, 0.08).box(height, width, generator) for _ in photos]
        ways = (pillow, box_gap, tensor, ours, centre, our_centre)
        works = {way.__name__: partial(all_of, way, photos, boxes) for way in ways}
        for name, seconds in minima(works, 9).items():
            print(f"decode {width}x{height}  {name:<11} {len(photos) / seconds:6.0f} images/s")


def augment() -> None:
    """Batches of 128 CIFAR-sized images with one augmentation after another."""
    images = torch.randint(0, 256, (5000, 3, 32, 32), dtype=torch.uint8)
    split, indices = Split(images, torch.arange(5000) % 10), torch.randperm(5000)[:BATCH]
    works = {}
    for name, options in {
        "none": DataOptions(),
        "flip": DataOptions(flip=True),
        "shift 4": DataOptions(shift=4),
        "flip, shift 4": DataOptions(flip=True, shift=4),
        "cutout 8": DataOptions(cutout=8),
        "mixup": DataOptions(mixup=0.2),
        "cutmix": DataOptions(cutmix=1.0),
        "randaugment 2": DataOptions(randaugment=2),
    }.items():
        batches = ImageBatches(split, (0.5,) * 3, (0.25,) * 3, Augmentation(5000, 10, options))
        works[name] = partial(batches.__getitem__, (0, indices))
    for name, seconds in minima(works, 30).items():
        print(f"augment  {name:<14} {BATCH / seconds:8.0f} images/s")


def training() -> None:
    """A training step of LeNet-5 beside what the pipeline adds to it."""
    data = create_data("digits", batch_size=BATCH, shift=1)
    model = create_model("lenet5", 10, "xnor")
    optimizer = torch.optim.Adam(model.parameters())
    images = normalize(data.train.images[:BATCH], data.mean, data.std)
    labels = data.train.labels[:BATCH]

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    loader = data.train_dataloader()
    count = len(loader)
    seconds = minima({"step": step, "batches": lambda: list(loader)}, 40)
    batch = seconds["batches"] / count
    share = seconds["step"] / (seconds["step"] + batch)
    print(f"training lenet5  step {seconds['step'] * 1e3:.2f} ms, batch {batch * 1e3:.3f} ms: {share:.1%} of the rate")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or ("decode", "augment", "training"):
        {"decode": decode, "augment": augment, "training": training}[name]()
