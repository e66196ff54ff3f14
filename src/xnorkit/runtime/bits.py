"""Signs <-> packed 32-bit words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError

__all__ = ["check_words", "pack_bits", "unpack_bits"]


def pack_bits(signs: NDArray[Any]) -> NDArray[np.uint32]:
    """Return signs as bits: (N, H, W, C) of +1 and -1 -> (N, H, W, ceil(C / 32)) uint32 words.

    Bit c % 32 of word c // 32 is 1 where channel c is -1; padding bits are 0.

    Raises:
        InputError: `signs` does not have four axes, has no channel, or holds numbers other than +1 and -1.
    """
    if signs.ndim != 4 or signs.shape[3] == 0:
        raise InputError(f"signs have shape {signs.shape}, but they must be (N, H, W, C) with at least one channel.")
    minus = signs == -1
    if not (minus | (signs == 1)).all():
        raise InputError(
            "signs hold numbers other than +1 and -1, but they must be signs. Take the sign first (0 gives +1)."
        )
    octets = np.packbits(minus, axis=3, bitorder="little")
    missing = -octets.shape[3] % 4
    whole = np.pad(octets, ((0, 0), (0, 0), (0, 0), (0, missing)))
    return np.ascontiguousarray(whole).view("<u4").astype(np.uint32, copy=False)


def unpack_bits(words: NDArray[np.uint32], channels: int) -> NDArray[np.int8]:
    """Return bits as signs: (N, H, W, ceil(C / 32)) uint32 words -> (N, H, W, C) int8, +1 and -1.

    Raises:
        InputError: `words` is not such an array for `channels`.
    """
    _check_shape(words, channels)
    octets = np.ascontiguousarray(words.astype("<u4", copy=False)).view(np.uint8)
    minus = np.unpackbits(octets, axis=3, count=channels, bitorder="little").view(np.int8)
    return 1 - 2 * minus


def check_words(words: NDArray[np.uint32], channels: int) -> None:
    """Check dtype, axes and padding bits of packed signs; InputError says what they must be."""
    _check_shape(words, channels)
    if channels % 32 and (words[..., -1] >> np.uint32(channels % 32)).any():
        raise InputError(
            f"words hold bits beyond channel {channels - 1}, but padding bits must be 0, as pack_bits gives."
        )


def _check_shape(words: NDArray[np.uint32], channels: int) -> None:
    required = -(-channels // 32)
    if not isinstance(words, np.ndarray) or words.dtype != np.uint32 or words.ndim != 4 or words.shape[3] != required:
        received = f"{words.dtype} {words.shape}" if isinstance(words, np.ndarray) else type(words).__name__
        raise InputError(
            f"words are {received}, but they must be uint32 (N, H, W, {required}) for {channels} channels."
        )
