"""Signs to words and back."""

import numpy as np
import pytest

from xnorkit.errors import InputError
from xnorkit.runtime import pack_bits, unpack_bits


def test_bit_order_by_hand() -> None:
    signs = np.ones((1, 1, 1, 34), np.int8)
    signs[..., [0, 3, 31, 33]] = -1
    assert pack_bits(signs).tolist() == [[[[2**0 + 2**3 + 2**31, 2**1]]]]


@pytest.mark.parametrize("channels", [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100])
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
def test_round_trip(channels: int, dtype: type) -> None:
    signs = np.random.default_rng(channels).choice([-1, 1], (2, 3, 4, channels)).astype(dtype)
    words = pack_bits(signs)
    assert words.dtype == np.uint32
    assert words.shape == (2, 3, 4, -(-channels // 32))
    assert words.flags.c_contiguous
    back = unpack_bits(words, channels)
    assert back.dtype == np.int8
    np.testing.assert_array_equal(back, signs)
    np.testing.assert_array_equal(unpack_bits(words[::-1, :, ::2], channels), signs[::-1, :, ::2])
    np.testing.assert_array_equal(pack_bits(signs[:, ::-1]), words[:, ::-1])
    np.testing.assert_array_equal(pack_bits(np.asfortranarray(signs)), words)


def test_wrong_signs() -> None:
    with pytest.raises(InputError, match=r"^signs hold numbers other than \+1 and -1, but they must be "):
        pack_bits(np.zeros((1, 1, 1, 1), np.int8))
    with pytest.raises(InputError, match=r"^signs have shape \(1, 1\), but they must be \(N, H, W, C\)"):
        pack_bits(np.ones((1, 1), np.int8))
    with pytest.raises(InputError, match=r"^words are uint32 \(1, 1, 1, 1\), but they must be uint32 \(N, H, W, 2\)"):
        unpack_bits(np.zeros((1, 1, 1, 1), np.uint32), 33)
    with pytest.raises(InputError, match=r"^words are list, but they must be "):
        unpack_bits([0], 1)  # type: ignore[arg-type]
