"""How a data set is read and augmented."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal

from xnorkit.errors import RecipeError

__all__ = ["DataOptions", "with_options"]

Rule = tuple[str, object, bool, str]  # field, value, whether it holds, what is required

MAX_RANDAUGMENT_LEVEL = 30


@dataclass(frozen=True)
class DataOptions:
    """Everything that `create_data` takes besides the name and the folder; a wrong value is a RecipeError.

    All draws depend on (seed, epoch, index of the image) only: on no batch, worker, process or earlier epoch.

    Attributes:
        batch_size: images per training step of one process.
        seed: of order and augmentation.
        workers: processes that prepare batches; 0: the training process itself.
        download: fetch absent files where the data set knows how.
        selection: share of the training images held out for choices (`selection_dataloader`), 0 to below 1. The split
            is the same for every seed.
        shift: move training images by up to this many pixels each way, filled with 0 (pad and crop).
        flip: mirror training images with probability 1/2; by default photographs are, digits and CIFAR are not.
        cutout: side of a square set to 0 in training images; 0: none.
        randaugment: number of random operations per training image; 0: none.
        randaugment_level: their strength, 0 to 30.
        mixup, cutmix: alpha of the Beta(alpha, alpha) share of a second image; 0: none. With both, half of the images
            each. Labels become rows of probabilities (N, num_classes) float32.
        preprocessing: of photographs. "modern": a random part of the image resized, or the centre after Resize.
            "seed": everything resized to a square (256 for crops of 227), random or centre crop, pixels of 0 to 255.
        image_size: side of photographs after the crop; by default 224 ("modern") or 227 ("seed").
        min_crop: smallest share of the area that the random crop of "modern" keeps.
        rank, world_size: number of this process and of all; by default as torch.distributed says when the epoch begins.
    """

    batch_size: int = 128
    seed: int = 0
    workers: int = 0
    download: bool = False
    selection: float = 0.0
    shift: int = 0
    flip: bool | None = None
    cutout: int = 0
    randaugment: int = 0
    randaugment_level: int = 9
    mixup: float = 0.0
    cutmix: float = 0.0
    preprocessing: Literal["modern", "seed"] = "modern"
    image_size: int | None = None
    min_crop: float = 0.08
    rank: int | None = None
    world_size: int | None = None

    def __post_init__(self) -> None:
        for field, value, holds, required in self._rules():
            if not holds:
                raise RecipeError(f"{field}={value}; required: {required}.")

    def _rules(self) -> Iterable[Rule]:
        yield "batch_size", self.batch_size, self.batch_size >= 1, "at least 1"
        yield "seed", self.seed, self.seed >= 0, "at least 0"
        for name in ("workers", "shift", "cutout", "randaugment"):
            value = getattr(self, name)
            yield f"data.{name}", value, value >= 0, "at least 0"
        for name in ("mixup", "cutmix"):
            value = getattr(self, name)
            yield f"data.{name}", value, 0 <= value < float("inf"), "at least 0, and finite"
        level = self.randaugment_level
        yield "data.randaugment_level", level, 0 <= level <= MAX_RANDAUGMENT_LEVEL, f"0 to {MAX_RANDAUGMENT_LEVEL}"
        yield "data.selection", self.selection, 0 <= self.selection < 1, "at least 0 and below 1"
        yield "data.min_crop", self.min_crop, 0 < self.min_crop <= 1, "above 0 and at most 1"
        name = self.preprocessing
        yield "data.preprocessing", name, name in ("modern", "seed"), "'modern' or 'seed'"
        yield "data.image_size", self.image_size, self.image_size is None or self.image_size >= 1, "at least 1"
        both = (self.rank is None) == (self.world_size is None)
        inside = self.rank is None or self.world_size is None or 0 <= self.rank < self.world_size
        yield (
            "rank, world_size",
            (self.rank, self.world_size),
            both and inside,
            "both or neither, and rank < world_size",
        )

    @property
    def mixes(self) -> bool:
        """Whether training labels are rows of probabilities."""
        return bool(self.mixup or self.cutmix)


def with_options(options: DataOptions | None, changes: dict[str, Any]) -> DataOptions:
    """Return `options`, or the defaults, with fields changed; RecipeError for an unknown field."""
    known = [field.name for field in fields(DataOptions)]
    for name in changes:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}."
            raise RecipeError(f"unknown data option '{name}'; {hint}")
    return replace(options or DataOptions(), **changes)
