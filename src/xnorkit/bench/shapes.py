"""Layer shapes as data: `3x3 256@14x14` is kernel, channels in = out, image; padded to the same size unless 'valid'."""

import json
import re
from dataclasses import dataclass
from importlib.resources import files

from xnorkit.errors import InputError
from xnorkit.format import ValueSpec
from xnorkit.format.geometry import valid_taps

__all__ = ["LayerShape", "named_shapes", "parse_shape"]

PATTERN = re.compile(r"(\d+)x(\d+) (\d+)(?:->(\d+))?@(\d+)x(\d+)(?: (same|valid))?")


@dataclass(frozen=True)
class LayerShape:
    """One convolution of stride 1; padding is (top, left, bottom, right)."""

    text: str
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    image: tuple[int, int]
    padding: tuple[int, int, int, int]

    @property
    def out_image(self) -> tuple[int, int]:
        """(OH, OW)."""
        (height, width), (top, left, bottom, right) = self.image, self.padding
        return height + top + bottom - self.kernel[0] + 1, width + left + right - self.kernel[1] + 1

    @property
    def macs(self) -> int:
        """Multiply-adds of one image, valid taps only: a padded tap is no work."""
        window = {"kernel": self.kernel, "stride": (1, 1), "padding": self.padding}
        image = ValueSpec("bits", *self.image, self.in_channels)
        return valid_taps(window, image) * self.in_channels * self.out_channels


def parse_shape(text: str) -> LayerShape:
    """Return the shape that `text` describes, as `3x3 256@14x14` or `5x5 20->50@12x12 valid`.

    Raises:
        InputError: `text` is not of that form, or the kernel is larger than the image.
    """
    match = PATTERN.fullmatch(text)
    if match is None:
        raise InputError(
            f"shape '{text}'; required: 'KHxKW C@HxW' or 'KHxKW C_in->C_out@HxW', then optionally ' valid'."
        )
    kh, kw, c_in, c_out, height, width = (int(g) if g else 0 for g in match.groups()[:6])
    same = ((kh - 1) // 2, (kw - 1) // 2, kh // 2, kw // 2)
    padding = (0, 0, 0, 0) if match[7] == "valid" else same
    shape = LayerShape(text, (kh, kw), c_in, c_out or c_in, (height, width), padding)
    if min(kh, kw, c_in, height, width) < 1 or min(shape.out_image) < 1:
        raise InputError(f"shape '{text}' has no output; required: sizes of at least 1 and a kernel inside the image.")
    return shape


def named_shapes() -> dict[str, list[LayerShape]]:
    """Return the shapes that ship with the package, by network."""
    text = files("xnorkit.bench").joinpath("shapes.json").read_text(encoding="utf-8")
    return {network: [parse_shape(item) for item in shapes] for network, shapes in json.loads(text).items()}
