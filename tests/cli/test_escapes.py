"""Text from a file moves no cursor: whatever is not printable is shown as an escape."""

from pathlib import Path

import numpy as np
import pytest

from xnorkit.cli.main import main
from xnorkit.format import Graph, InputSpec, Node, Normalization, escaped, write

HOSTILE = "\x1b[2J\x1b]0;gotcha\x07\r\x9b31mred\u202egnol\nerror: all is well\u2028"


def hostile_file(folder: Path) -> Path:
    tensors = {"weight": np.ones((2, 4, 4, 1), np.float32), "bias": np.zeros(2, np.float32)}
    node = Node("fc", "float_linear", ("input",), {"out_features": 2}, tensors)
    metadata = {"classes": [HOSTILE, "no"], HOSTILE: {"a": [HOSTILE]}, "note": HOSTILE}
    spec = InputSpec((1, 4, 4), Normalization((0.5,), (0.5,)))
    write(folder / "model.xnor", Graph("model", spec, (node,), "fc", metadata))
    return folder / "model.xnor"


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert all(line.isprintable() for line in text.split("\n"))
    return text


def test_inspect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(hostile_file(tmp_path))]) == 0
    text = printed(capsys)
    assert "\\x1b[2J" in text
    assert "\nerror:" not in text


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_predict(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((4, 4), 255, np.uint8)).save(tmp_path / "picture.png")
    assert main(["predict", str(hostile_file(tmp_path)), str(tmp_path / "picture.png"), *options]) == 0
    assert "gotcha" in printed(capsys)


def test_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a\x1b[2Jb.xnor"
    path.write_bytes(hostile_file(tmp_path).read_bytes()[:-1])
    assert main(["inspect", str(path)]) == 2
    assert "a\\x1b[2Jb.xnor: the content is not a complete" in printed(capsys)


@pytest.mark.parametrize("text", ["", "plain", "ü 語 \U0001f600", "a b"])
def test_printable_text_stays(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize(
    "number", [*range(32), 127, *range(128, 161), 0xAD, 0x200B, 0x202E, 0x2066, 0xD800, 0xFEFF, 0xE0001]
)
def test_every_kind_of_control_is_an_escape(number: int) -> None:
    assert escaped(f"a{chr(number)}b").isprintable()
    assert escaped(f"a{chr(number)}b")[1] == "\\"
