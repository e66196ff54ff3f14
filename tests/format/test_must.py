"""Each MUST of docs/format.md, broken in handwritten bytes, gives its exact error."""

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from handwritten import HandFile
from must_cases import CASES

from xnorkit.errors import FormatError
from xnorkit.format import read

SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "format.md"


def error_of(content: bytes, folder: Path) -> str:
    """Return what `read` says about a file's content, without the path in front."""
    path = folder / "broken.xnor"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        read(path)
    prefix = f"{path}: "
    assert str(caught.value).startswith(prefix)
    return str(caught.value)[len(prefix) :]


def test_the_unbroken_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "whole.xnor"
    path.write_bytes(HandFile().to_bytes())
    assert [node.name for node in read(path).nodes] == ["conv", "sign", "pool", "bconv", "blin", "relu", "fc"]


@pytest.mark.parametrize(("number", "broken", "error"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_broken_rule(number: str, broken: Callable[[HandFile], Any], error: str, tmp_path: Path) -> None:
    file = HandFile()
    broken(file)
    assert error_of(file.to_bytes(), tmp_path) == error


WHOLE = HandFile().to_bytes()
HEADER_BYTES = struct.unpack("<Q", WHOLE[:8])[0]
NOT_SAFETENSORS = {
    "F-01: empty": b"",
    "F-01: cut in the length": WHOLE[:5],
    "F-01: cut in the header": WHOLE[: 8 + HEADER_BYTES // 2],
    "F-01: cut behind the header": WHOLE[: 8 + HEADER_BYTES],
    "F-01: cut in the data": WHOLE[:-1],
    "F-01: a byte too many": WHOLE + b"\0",
    "F-01: header longer than the file": struct.pack("<Q", len(WHOLE)) + WHOLE[8:],
    "F-01: header of 2^63 bytes": struct.pack("<Q", 2**63) + WHOLE[8:],
    "F-01: header is not JSON": WHOLE[:8] + b"x" * HEADER_BYTES + WHOLE[8 + HEADER_BYTES :],
    "F-01: header is not UTF-8": WHOLE[:10] + b"\xff" + WHOLE[11:],
    "F-01: an offset is wrong": WHOLE.replace(b'"data_offsets": [0, 4]', b'"data_offsets": [0, 5]'),
    "F-01: a shape does not fit its bytes": WHOLE.replace(b'"shape": [2, 1, 1, 1]', b'"shape": [3, 1, 1, 1]'),
    "F-01: a shape whose product overflows": HandFile(
        tensors={"a": ("U8", [2**40, 2**40, 2**40], b"\0")}, checksum=("U8", [1], b"\0")
    ).to_bytes(),
    "F-01: text": b"this is no network, and longer than eight bytes",
}


@pytest.mark.parametrize("case", NOT_SAFETENSORS)
def test_not_a_whole_safetensors_file(case: str, tmp_path: Path) -> None:
    """The reason stands in the middle."""
    error = error_of(NOT_SAFETENSORS[case], tmp_path)
    assert error.startswith("the content is not a complete safetensors file (")
    assert error.endswith("), but it must be neither truncated nor altered. Copy or export it again.")


def test_header_with_a_key_twice(tmp_path: Path) -> None:
    """F-04 holds for the header, too: readers differ in which of two tensors they take."""
    entry = '"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}'
    header = f'{{"__metadata__": {{"xnorkit": "{{}}"}}, {entry}, {entry}}}'.encode()
    error = error_of(struct.pack("<Q", len(header)) + header + b"\0", tmp_path)
    assert error == "the safetensors header holds the key 'a' twice, but keys must be unique."


def test_header_without_metadata(tmp_path: Path) -> None:
    """F-03."""
    error = error_of(struct.pack("<Q", 2) + b"{}", tmp_path)
    assert error == "the file has no metadata 'xnorkit', but it must be a file that xnorkit exported."


def test_file_without_checksum(tmp_path: Path) -> None:
    """F-17."""
    header = json.dumps({"__metadata__": {"xnorkit": json.dumps(HandFile().document)}}).encode()
    error = error_of(struct.pack("<Q", len(header)) + header, tmp_path)
    assert error == "tensor 'crc32' is missing or malformed, but it must be U32 of shape [1]."


@pytest.mark.parametrize(("old", "new"), [(b"[0.5]", b"[0.7]"), (b'min\\": 0', b'min\\": 1'), (b"small", b"smell")])
def test_altered_text_that_is_still_valid(old: bytes, new: bytes, tmp_path: Path) -> None:
    """F-18: the checksum covers the graph."""
    assert WHOLE.count(old) == 1
    assert "it was altered" in error_of(WHOLE.replace(old, new), tmp_path)


def test_every_altered_data_byte_is_noticed(tmp_path: Path) -> None:
    """F-18: the checksum covers the tensors, its own bytes included."""
    for position in range(8 + HEADER_BYTES, len(WHOLE)):
        altered = bytearray(WHOLE)
        altered[position] ^= 1
        assert "it was altered" in error_of(bytes(altered), tmp_path)


def test_every_rule_is_broken_somewhere() -> None:
    numbered = re.findall(r"^- (F-\d+): ", SPECIFICATION.read_text(encoding="utf-8"), re.MULTILINE)
    assert numbered == [f"F-{i:02d}" for i in range(1, len(numbered) + 1)]
    assert all("MUST" in rule for rule in _rules())
    assert {case[0] for case in CASES} | {"F-01"} == set(numbered)


def test_musts_are_numbered() -> None:
    text = SPECIFICATION.read_text(encoding="utf-8")
    assert text.count("MUST") == sum(rule.count("MUST") for rule in _rules())


def _rules() -> list[str]:
    """Each numbered rule with its continuation lines."""
    text = SPECIFICATION.read_text(encoding="utf-8")
    return re.findall(r"^- F-\d+: .*(?:\n  .*)*", text, re.MULTILINE)
