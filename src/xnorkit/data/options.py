"""The options of reading and augmenting a data set."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal

from xnorkit.errors import RecipeError

__all__ = ["DataOptions", "with_options"]

Rule = tuple[str, object, bool, str]  # field, value, whether the value is valid, what it must be

MAX_RANDAUGMENT_LEVEL = 30


@dataclass(frozen=True)
class DataOptions:
    """All that `create_data` takes besides the name and the folder; an invalid value is a RecipeError.

    All draws depend on (seed, epoch, index of the image) alone, not on batches, workers, processes or earlier epochs.

    Attributes:
        batch_size: the number of images per training step of one process.
        seed: the seed of order and augmentation.
        workers: the number of processes that prepare batches; 0 uses the training process itself.
        download: fetch absent files, if the data set has a download.
        selection: the fraction of the training images held out for choices (`selection_dataloader`), from 0 to below 1.
            The split is the same for every seed.
        shift: the largest shift of training images in pixels, in each direction, filled with 0 (pad and crop).
        flip: mirror training images with probability 1/2; the default is True for photographs, otherwise False.
        cutout: the side of a square set to 0 in training images; 0 for none.
        randaugment: the number of random operations per training image; 0 for none.
        randaugment_level: the strength of these operations, from 0 to 30.
        mixup, cutmix: alpha of Beta(alpha, alpha), from which the fraction of a second image is drawn; 0 for none. With
            both, each applies to half of the images. Labels become rows of probabilities (N, num_classes) float32.
        preprocessing: for photographs. "modern" resizes a random crop, or takes the centre of the resized image. "seed"
            resizes to a square (256 for crops of 227), takes a random or centre crop, and scales pixels to 0 to 255.
        image_size: the side of photographs after the crop; by default 224 ("modern") or 227 ("seed").
        min_crop: the smallest fraction of the area that the random crop of "modern" keeps.
        rank, world_size: the number of this process and of all processes; the default asks torch.distributed when an
            epoch begins.
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
        for field, value, valid, expected in self._rules():
            if not valid:
                raise RecipeError(f"{field}={value}, but it must be {expected}.")

    def _rules(self) -> Iterable[Rule]:
        yield "batch_size", self.batch_size, self.batch_size >= 1, "at least 1"
        yield "seed", self.seed, self.seed >= 0, "at least 0"
        for name in ("workers", "shift", "cutout", "randaugment"):
            value = getattr(self, name)
            yield f"data.{name}", value, value >= 0, "at least 0"
        for name in ("mixup", "cutmix"):
            value = getattr(self, name)
            yield f"data.{name}", value, 0 <= value < float("inf"), "at least 0 and finite"
        level = self.randaugment_level
        yield "data.randaugment_level", level, 0 <= level <= MAX_RANDAUGMENT_LEVEL, f"from 0 to {MAX_RANDAUGMENT_LEVEL}"
        yield "data.selection", self.selection, 0 <= self.selection < 1, "at least 0 and below 1"
        yield "data.min_crop", self.min_crop, 0 < self.min_crop <= 1, "above 0 and at most 1"
        name = self.preprocessing
        yield "data.preprocessing", name, name in ("modern", "seed"), "'modern' or 'seed'"
        yield "data.image_size", self.image_size, self.image_size is None or self.image_size >= 1, "at least 1"
        both = (self.rank is None) == (self.world_size is None)
        inside = self.rank is None or self.world_size is None or 0 <= self.rank < self.world_size
        expected = "a rank below the world_size, or None for both"
        yield "rank, world_size", (self.rank, self.world_size), both and inside, expected

    @property
    def mixes(self) -> bool:
        """Whether training labels are rows of probabilities."""
        return bool(self.mixup or self.cutmix)


def with_options(options: DataOptions | None, changes: dict[str, Any]) -> DataOptions:
    """Return `options`, or the defaults, with changed fields; an unknown field is a RecipeError."""
    known = [field.name for field in fields(DataOptions)]
    for name in changes:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(known)}."
            raise RecipeError(f"'{name}' is not a data option. {hint}")
    return replace(options or DataOptions(), **changes)
