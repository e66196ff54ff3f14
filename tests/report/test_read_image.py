"""Image files of 8 and 16 bits per pixel."""

from pathlib import Path

import numpy as np
from PIL import Image

from xnorkit.report.predict import read_image


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "8.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(tmp_path / "16.png")
    eight, sixteen = (read_image(tmp_path / name, (1, 16, 16)) for name in ("8.png", "16.png"))
    np.testing.assert_array_equal(eight, ramp[None, None])
    np.testing.assert_array_equal(sixteen, eight)
