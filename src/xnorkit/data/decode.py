"""Decode one photograph from the bytes of its file, at no more than the needed size."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = ["DamagedImageError", "Photo"]

REDUCTIONS = (8, 4, 2)  # the factors by which a JPEG decoder can shrink while it decodes


class DamagedImageError(Exception):
    """An image file cannot be decoded; the data set catches, counts and reports this."""


class Photo:
    """An image that is open but not decoded yet.

    Args:
        content: the bytes of a file in any format of Pillow, or RGB pixels (3, H, W) uint8.

    Attributes:
        height, width: the full size in pixels.

    Raises:
        DamagedImageError: the content is not an image.
    """

    def __init__(self, content: bytes | Tensor) -> None:
        self._source: Tensor | Image.Image
        if isinstance(content, Tensor):
            self._source = content
            self.height, self.width = content.shape[1:]
            return
        try:
            self._source = Image.open(io.BytesIO(content))
        except Exception as error:  # decoders raise anything on damaged bytes
            raise DamagedImageError(str(error)) from error
        self.width, self.height = self._source.size

    def pixels(self, shrink: float = 1.0) -> tuple[Tensor, float, float]:
        """Return RGB pixels (3, H', W') uint8, and the factors (H' / H, W' / W).

        Args:
            shrink: the caller needs only 1 / shrink of the height and width. Decoding a JPEG shrinks it by the largest
                such factor of 2, 4 or 8, which takes less time; each of its pixels is then an exact average.

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
