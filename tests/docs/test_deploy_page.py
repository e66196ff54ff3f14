"""The code of docs/deploy.md runs as it stands there."""

import asyncio
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xnorkit import load, preprocess
from xnorkit.errors import InputError
from xnorkit.zoo import sample

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "service"}
    exec(compile(block, str(PAGE), "exec", dont_inherit=True), names)
    return names


def digit() -> tuple[np.ndarray, int]:
    stored = sample("lenet5-mnist")
    return stored.images[0, 0], int(stored.labels[0])


def test_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    pixels, label = digit()
    Image.fromarray(255 - pixels).resize((60, 60)).save("digit.png")
    run(BLOCKS[0])
    assert capsys.readouterr().out.strip() == str(label)


def posted(app: Any, content: bytes) -> tuple[int, Any]:
    """Send one request to an ASGI application, and return status and JSON of the answer."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/classify",
        "raw_path": b"/classify",
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "asgi": {"version": "3.0"},
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def test_the_service() -> None:
    pytest.importorskip("fastapi")
    app = run(BLOCKS[1])["app"]
    pixels, label = digit()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    status, answer = posted(app, stream.getvalue())
    assert (status, answer["class"], len(answer["logits"])) == (200, str(label), 10)
    assert posted(app, b"no picture")[0] == 422
    assert posted(app, b"x" * 10_000_001)[0] == 413


def test_preprocess_takes_files_images_and_arrays(tmp_path: Path) -> None:
    model = load("resnet18-cifar10")
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.save(tmp_path / "a.png")
    wanted = preprocess(tmp_path / "a.png", model)
    assert (wanted.shape, wanted.dtype) == ((1, 3, 32, 32), np.uint8)
    for picture in (str(tmp_path / "a.png"), image, pixels):
        assert np.array_equal(preprocess(picture, model), wanted)
    assert np.array_equal(preprocess(pixels, model, invert=True), 255 - wanted)
    assert preprocess(pixels[:, :, 0], model).shape == (1, 3, 32, 32)
    for wrong in (pixels.astype(np.float32), pixels[..., :2], pixels[None]):
        with pytest.raises(InputError, match="but it must be uint8 of shape"):
            preprocess(wrong, model)
