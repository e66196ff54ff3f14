"""One photograph from its file's bytes, no larger than needed."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = ["DamagedImageError", "Photo"]

REDUCTIONS = (8, 4, 2)  # what a JPEG decoder can shrink by while it decodes


class DamagedImageError(Exception):
    """An image file that cannot be decoded; caught, counted and reported by the data set."""


class Photo:
    """An image that is opened, but not decoded yet.

    Args:
        content: bytes of a file in any format of Pillow, or RGB pixels (3, H, W) uint8.

    Attributes:
        height, width: in pixels, at full size.

    Raises:
        DamagedImageError: not an image.
    """

    def __init__(self, content: bytes | Tensor) -> None:
        self._source: Tensor | Image.Image
        if isinstance(content, Tensor):
            self._source = content
            self.height, self.width = content.shape[1:]
            return
        try:
            self._source = Image.open(io.BytesIO(content))
        except Exception as error:  # decoders of damaged bytes raise what they like
            raise DamagedImageError(str(error)) from error
        self.width, self.height = self._source.size

    def pixels(self, shrink: float = 1.0) -> tuple[Tensor, float, float]:
        """Return RGB pixels (3, H', W') uint8, and the factors (H' / H, W' / W).

        Args:
            shrink: the caller needs no more than 1 / shrink of the height and width. A JPEG is decoded by the largest
                factor of 2, 4 or 8 up to that, which takes less time; each of its pixels is then an exact average.

        Raises:
            DamagedImageError: the image cannot be decoded.
        """
        if isinstance(self._source, Tensor):
            return self._source, 1.0, 1.0
        image = self._source
        try:
            factor = next((number for number in REDUCTIONS if number <= shrink), 1)
            if factor > 1:
                image.draft("RGB", (self.width // factor, self.height // factor))
            array = np.array(image.convert("RGB"))
        except Exception as error:
            raise DamagedImageError(str(error)) from error
        tensor = torch.from_numpy(array).permute(2, 0, 1)
        return tensor, tensor.shape[1] / self.height, tensor.shape[2] / self.width
