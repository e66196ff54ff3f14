"""The page in a headless Chromium, opened from a file: the bits of the scalar reference, drawing, keys, pictures."""

import json
import struct
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from devtools import Tab, browser, chromium

from xnorkit.format import read
from xnorkit.targets.web import page
from xnorkit.zoo import path, sample

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed")
READY = "globalThis.xnorkit !== undefined"


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as tab:
        yield tab


def opened(tab: Tab, folder: Path, name: str) -> None:
    file = folder / "page.html"
    file.write_text(page(read(path(name))), encoding="utf-8")
    tab.messages.clear()
    tab.requests.clear()
    tab.open(file.as_uri())
    tab.wait_for(READY)
    assert tab.requests == [file.as_uri()], "the page asks for something else"


def answer(tab: Tab) -> str:
    return tab.evaluate("document.getElementById('answer').textContent")


def on_paper(tab: Tab, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return places on the drawing area, given from 0 to 1, in the window."""
    tab.evaluate("document.getElementById('paper').scrollIntoView()")
    box = tab.evaluate("(({left, top, width, height}) => [left, top, width, height])(paper.getBoundingClientRect())")
    return [(box[0] + x * box[2], box[1] + y * box[3]) for x, y in points]


@pytest.mark.parametrize("name", ["lenet5-mnist", "nin-cifar10"])
def test_the_same_bits_as_the_reference(tab: Tab, tmp_path: Path, name: str) -> None:
    opened(tab, tmp_path, name)
    """The stored logits are those of the reference (tests/zoo)."""
    stored = sample(name)
    for image, logits in zip(stored.images[:3], stored.logits[:3], strict=True):
        text = b64encode(image.tobytes()).decode()
        code = f"xnorkit.classify(Uint8Array.from(atob('{text}'), (c) => c.charCodeAt(0)))"
        bits = tab.evaluate(f"Array.from(new Uint32Array({code}.buffer))")
        assert np.array(bits, np.uint32).tobytes() == logits.tobytes()
    assert tab.messages == []


def test_the_first_time_shown_is_of_warm_code(tab: Tab, tmp_path: Path) -> None:
    opened(tab, tmp_path, "nin-cifar10")
    assert tab.evaluate("performance.getEntriesByName('warm-up').map((entry) => entry.duration >= 200)") == [True]


def test_a_digit_is_drawn(tab: Tab, tmp_path: Path) -> None:
    opened(tab, tmp_path, "lenet5-mnist")
    assert answer(tab) == "Draw something."
    for strokes, digit in (
        ([[(0.5, 0.15), (0.5, 0.5), (0.5, 0.85)]], "1"),
        ([[(0.25, 0.2), (0.5, 0.2), (0.75, 0.2), (0.6, 0.5), (0.45, 0.85)]], "7"),
        ([[(0.5 + 0.22 * np.sin(t), 0.5 - 0.33 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 30)]], "0"),
    ):
        tab.evaluate("document.getElementById('clear').click()")
        for stroke in strokes:
            tab.drag(on_paper(tab, stroke))
        tab.wait_for("document.querySelectorAll('#bars li').length === 5")
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        assert answer(tab) == digit
    assert "ms per image" in tab.evaluate("document.getElementById('time').textContent")
    assert tab.messages == []


def test_a_digit_is_drawn_with_keys(tab: Tab, tmp_path: Path) -> None:
    opened(tab, tmp_path, "lenet5-mnist")
    tab.evaluate("document.getElementById('paper').focus()")
    for key in ["ArrowUp"] * 7 + [" "] + ["ArrowDown"] * 14:
        tab.key(key)
    tab.wait_for("document.querySelectorAll('#bars li').length === 5")
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    assert answer(tab) == "1"
    tab.key("Delete")
    assert answer(tab) == "Draw something."
    assert tab.messages == []


def _png(planes: np.ndarray) -> bytes:
    """Return planes (3, height, width) as a PNG."""
    _, height, width = planes.shape
    rows = b"".join(b"\0" + row.tobytes() for row in planes.transpose(1, 2, 0))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_pictures(tab: Tab, tmp_path: Path) -> None:
    opened(tab, tmp_path, "nin-cifar10")
    stored = sample("nin-cifar10")
    classes = read(path("nin-cifar10")).metadata["classes"]
    (tmp_path / "not.png").write_text("no picture")
    for name, image, label in (
        ("own.png", stored.images[0], int(stored.logits[0].argmax())),
        # Four times as large: resized to what it was.
        ("large.png", stored.images[1].repeat(4, 1).repeat(4, 2), int(stored.logits[1].argmax())),
    ):
        (tmp_path / name).write_bytes(_png(image))
        _choose(tab, tmp_path / name)
        tab.wait_for(f"document.getElementById('answer').textContent === {json.dumps(classes[label])}")
    _choose(tab, tmp_path / "not.png")
    tab.wait_for("document.getElementById('answer').className === 'error'")
    assert "not.png cannot be read as a picture" in answer(tab)
    assert tab.messages == []


def _choose(tab: Tab, file: Path) -> None:
    root = tab.call("DOM.getDocument")["root"]["nodeId"]
    node = tab.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    tab.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])


def test_the_camera(tab: Tab, tmp_path: Path) -> None:
    opened(tab, tmp_path, "nin-cifar10")
    tab.evaluate("document.getElementById('camera').click()")
    tab.wait_for("document.querySelectorAll('#bars li').length === 5")
    assert tab.evaluate("document.getElementById('camera').textContent") == "Stop the camera"
    tab.evaluate("document.getElementById('camera').click()")
    assert tab.evaluate("document.getElementById('video').hidden") is True
    assert tab.messages == []


@pytest.mark.parametrize("name", ["lenet5-mnist", "nin-cifar10"])
def test_nothing_is_wider_than_a_telephone(tab: Tab, tmp_path: Path, name: str) -> None:
    tab.look(360, 700)
    opened(tab, tmp_path, name)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    tab.look(1300, 900, dark=True)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    tab.look(1300, 900)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"


def test_a_browser_without_simd(tab: Tab, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    text = page(read(path("lenet5-digits")))
    file.write_text(text.replace('<script type="module">', '<script type="module">WebAssembly.validate = () => false;'))
    tab.open(file.as_uri())
    tab.wait_for("document.getElementById('answer').className === 'error'")
    assert "This browser has no WebAssembly SIMD" in answer(tab)
