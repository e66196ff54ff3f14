"""What a file says of its input: read from handwritten bytes, written again, and the arithmetic against plain loops."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handwritten import HandFile

from xnorkit import zoo
from xnorkit.format import InputSpec, Normalization, Preparation, arranged, as_floats, in_words, read, write
from xnorkit.format.file import to_bytes

MEAN = np.random.default_rng(1).uniform(0, 255, (3, 4, 4)).astype(np.float32)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4), dtype=np.uint8)
ALL = [
    Preparation(order, transposed, mean)  # type: ignore[arg-type]
    for order, transposed, mean in product(("rgb", "bgr"), (False, True), (None, MEAN))
]


def hand(tmp_path: Path, file: HandFile) -> Any:
    path = tmp_path / "hand.xnor"
    path.write_bytes(file.to_bytes())
    return read(path)


def test_a_file_without_the_key_means_plain_pixels(tmp_path: Path) -> None:
    old = hand(tmp_path, HandFile())
    named = HandFile()
    named.prepare()
    assert old.input.preparation == hand(tmp_path, named).input.preparation == Preparation()
    assert old.input.takes_pixels
    assert b"preparation" not in to_bytes(old)


@pytest.mark.parametrize("name", zoo.list_pretrained())
def test_shipped_files_stay_as_they_are(name: str) -> None:
    graph = read(zoo.path(name))
    assert graph.input.preparation == Preparation()
    assert b"preparation" not in to_bytes(graph)


def test_handwritten_mean_image(tmp_path: Path) -> None:
    file = HandFile()
    file.mean_image(numbers=list(range(16)))
    graph = hand(tmp_path, file)
    assert graph.input.takes_pixels
    assert graph.input.takes_floats
    assert graph.input.preparation == Preparation(mean_image=np.arange(16, dtype=np.float32).reshape(1, 4, 4))
    write(tmp_path / "again.xnor", graph)
    again = read(tmp_path / "again.xnor").input
    assert again == graph.input
    assert again != InputSpec((1, 4, 4), preparation=Preparation(mean_image=np.ones((1, 4, 4), np.float32)))
    assert again != InputSpec((1, 4, 4))


def test_handwritten_prepared_floats(tmp_path: Path) -> None:
    file = HandFile()
    file.prepare(prepared="whitened")
    file.document["input"]["normalization"] = None
    spec = hand(tmp_path, file).input
    assert (spec.takes_pixels, spec.takes_floats) == (False, True)
    assert in_words(spec) == "prepared floats (whitened), no pixels"


@pytest.mark.parametrize("preparation", ALL, ids=lambda p: f"{p.order}-{p.transposed}-{p.mean_image is not None}")
def test_pixels_against_plain_loops(preparation: Preparation) -> None:
    found = arranged(PIXELS, preparation)
    for n, c, i, j in np.ndindex(*PIXELS.shape):
        channel = 2 - c if preparation.order == "bgr" else c
        pixel = PIXELS[n, channel, j, i] if preparation.transposed else PIXELS[n, channel, i, j]
        wanted = pixel if preparation.mean_image is None else np.float32(pixel) - MEAN[c, i, j]
        assert found[n, c, i, j] == wanted
    assert found.dtype == (np.uint8 if preparation.mean_image is None else np.float32)


def test_floats_of_pixels() -> None:
    by = Normalization((0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    spec = InputSpec((3, 4, 4), by, preparation=Preparation("bgr", True))
    found = as_floats(PIXELS, spec)
    table = by.table()
    for n, c, i, j in np.ndindex(*PIXELS.shape):
        assert found[n, c, i, j] == table[c, PIXELS[n, 2 - c, j, i]]
    assert as_floats(found, spec) is found
    less = InputSpec((3, 4, 4), preparation=Preparation("bgr", False, MEAN))
    assert np.array_equal(as_floats(PIXELS, less), PIXELS[:, ::-1].astype(np.float32) - MEAN)


def test_equal_preparations_are_equal_in_hash_and_value() -> None:
    for a, b in product(ALL, ALL):
        same = a is b
        assert (a == b) == same
        assert not same or hash(a) == hash(b)
    assert Preparation(mean_image=MEAN) == Preparation(mean_image=MEAN.copy())
    assert Preparation() != "rgb"


def test_words_tell_the_kinds_apart() -> None:
    by = Normalization((0.5,) * 3, (0.25,) * 3)
    specs = [InputSpec((3, 4, 4), None if p.mean_image is not None else by, preparation=p) for p in ALL]
    specs += [InputSpec((3, 4, 4)), InputSpec((1, 4, 4)), InputSpec((3, 4, 4), kind="u8")]
    specs += [InputSpec((3, 4, 4), preparation=Preparation(prepared="whitened"))]
    words = [in_words(spec) for spec in specs]
    assert len(set(words)) == len(words)
    assert (
        words[0]
        == "pixels (red, green, blue; (pixel / 255 - mean) / std with mean 0.5, 0.5, 0.5 and std 0.25, 0.25, 0.25)"
    )
    assert "blue, green, red; 0 to 255, minus a mean image" in in_words(
        InputSpec((3, 4, 4), preparation=Preparation("bgr", mean_image=MEAN))
    )
