"""A chain of steps cut at its layers: producer, what stands between, consumer."""

from collections.abc import Sequence
from dataclasses import dataclass

from xnorkit.export.trace import Step

__all__ = ["INPUT", "Segment", "cut"]

INPUT = "input"


@dataclass(frozen=True)
class Segment:
    """A producer (None: the model's input), the steps behind it, and the layer that reads the result (None: output).

    `image` is (C, H, W) of what the producer reads.
    """

    producer: Step | None
    image: tuple[int, int, int]
    between: tuple[Step, ...]
    consumer: Step | None

    @property
    def binary(self) -> bool:
        """True if the producer's value is the integer dot of a binary layer."""
        return self.producer is not None and self.producer.kind == "binary"

    @property
    def label(self) -> str:
        """Name of the producer for error messages."""
        return self.producer.name if self.producer else INPUT

    @property
    def value_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the producer's value; a flat vector is an image of one position."""
        return _image(self.producer.out_shape) if self.producer else self.image

    @property
    def read_shape(self) -> tuple[int, int, int]:
        """(C, H, W) that the consumer reads: flattening is only a view of it, in (H, W, C) order."""
        image = self.value_shape
        for step in self.between:
            if step.kind == "flatten":
                return _image(step.in_shape)
            image = _image(step.out_shape)
        return image


def cut(steps: Sequence[Step], input_shape: tuple[int, int, int]) -> list[Segment]:
    """Return the segments in order; the first begins at the input, the last ends at the output."""
    segments: list[Segment] = []
    producer: Step | None = None
    image = input_shape
    between: list[Step] = []
    for step in [*steps, None]:
        if step is not None and step.kind not in ("binary", "float"):
            between.append(step)
            continue
        segments.append(Segment(producer, image, tuple(between), step))
        image = segments[-1].read_shape
        producer, between = step, []
    return segments


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) == 1:
        return (shape[0], 1, 1)
    channels, height, width = shape
    return (channels, height, width)
