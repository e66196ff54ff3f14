"""Writing and reading back: the same graph, the same bytes, nothing written half."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from handwritten import HandFile

from xnorkit.errors import FormatError, InputError
from xnorkit.format import Graph, InputSpec, Limits, Node, Normalization, infer_shapes, read, write
from xnorkit.format.file import from_bytes, to_bytes

SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "format.md"


def tiny(**changes: object) -> Graph:
    """The example of docs/format.md."""
    sign = Node("sign", "pack", ("input",), {}, {"threshold": np.float32([0, 0.5]), "flip": np.uint8([0, 1])})
    attributes = {"out_features": 2, "epilogue": "float"}
    tensors = {"weight": np.uint8([[6], [8]]), "scale": np.float32([0.5, 2]), "bias": np.float32([1, -1])}
    parts = {
        "name": "tiny",
        "input": InputSpec((2, 1, 2)),
        "nodes": (sign, Node("fc", "binary_linear", ("sign",), attributes, tensors)),
        "output": "fc",
        "metadata": {},
    }
    return Graph(**{**parts, **changes})  # type: ignore[arg-type]


def test_handwritten_file_reads_and_writes_back() -> None:
    file = HandFile()
    graph = from_bytes(file.to_bytes())
    assert graph.name == "small"
    assert graph.input == InputSpec((1, 4, 4), Normalization((0.5,), (0.25,)))
    assert graph.output == "fc"
    assert graph.metadata == {"classes": ["no", "yes"]}
    for node, wanted in zip(graph.nodes, file.document["nodes"], strict=True):
        assert (node.name, node.op, list(node.inputs)) == (wanted["name"], wanted["op"], wanted["inputs"])
        assert node.attributes == wanted["attributes"]
        assert list(node.tensors) == wanted["tensors"]
        for role, array in node.tensors.items():
            _, shape, content = file.tensors[f"{node.name}.{role}"]
            assert array.shape == tuple(shape)
            assert array.tobytes() == content
    assert to_bytes(from_bytes(to_bytes(graph))) == to_bytes(graph)


def test_the_example_of_the_specification() -> None:
    content = to_bytes(tiny())
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text = SPECIFICATION.read_text(encoding="utf-8")
    document = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[-1])
    assert header["__metadata__"]["xnorkit"] == json.dumps(document, separators=(",", ":"))
    rows = re.findall(r"^ ?(\d+)  (\S+) +((?:[0-9a-f]{2} )+) ", text, re.MULTILINE)
    assert len(rows) == 6
    for offset, name, octets in rows:
        start, end = header[name]["data_offsets"]
        assert start == int(offset)
        assert content[8 + length + start : 8 + length + end] == bytes.fromhex(octets)
    assert content[8 + length :] == b"".join(bytes.fromhex(octets) for _, _, octets in rows)


def test_any_safetensors_reader_opens_it(tmp_path: Path) -> None:
    write(tmp_path / "tiny.xnor", tiny())
    tensors = safetensors.numpy.load_file(tmp_path / "tiny.xnor")
    assert tensors["fc.weight"].tolist() == [[6], [8]]


def test_numbers_keep_every_bit() -> None:
    rng = np.random.default_rng(0)
    mean, std = (tuple(map(float, rng.random(2))) for _ in range(2))
    metadata = {
        "accuracy": float(np.nextafter(0.1, 1)),
        "count": 2**60,
        "text": 'ü "quoted" \\ \U0001f600',
        "none": None,
    }
    graph = from_bytes(to_bytes(tiny(input=InputSpec((2, 1, 2), Normalization(mean, std)), metadata=metadata)))
    assert graph.input.normalization == Normalization(mean, std)
    assert graph.metadata == metadata


def test_arrays_need_not_be_contiguous() -> None:
    graph = tiny()
    weight = np.zeros((2, 6), np.uint8)[:, ::6]
    weight[:] = graph.nodes[1].tensors["weight"]
    node = Node(
        "fc", "binary_linear", ("sign",), graph.nodes[1].attributes, {**graph.nodes[1].tensors, "weight": weight}
    )
    assert to_bytes(tiny(nodes=(graph.nodes[0], node))) == to_bytes(graph)


def test_infinite_thresholds_of_pack_are_kept() -> None:
    threshold = np.float32([-np.inf, np.inf])
    sign = Node("sign", "pack", ("input",), {}, {"threshold": threshold, "flip": np.uint8([0, 1])})
    graph = from_bytes(to_bytes(tiny(nodes=(sign, tiny().nodes[1]))))
    assert graph.nodes[0].tensors["threshold"].tolist() == threshold.tolist()


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tiny.xnor"
    path.write_bytes(b"old")
    with pytest.raises(FormatError):
        write(path, tiny(output="nothing"))

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"tiny\.xnor cannot be written \(No space left on device\), but it must be "):
        write(path, tiny())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_paths_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"missing\.xnor cannot be read \(No such file or directory\), but it must"):
        read(tmp_path / "missing.xnor")
    with pytest.raises(FormatError, match=r"cannot be read \(Is a directory\)"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"cannot be written \(No such file or directory\), but it must be "):
        write(tmp_path / "missing" / "tiny.xnor", tiny())


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"accuracy": float("nan")}, "cannot be written as JSON"),
        ({"accuracy": np.float32(1)}, "cannot be written as JSON"),
        ({1: "a"}, "would not read back equal"),
        ({"a": (1, 2)}, "would not read back equal"),
        ({"a": "\ud800"}, "half a surrogate pair"),
        ({"a": 10**30}, "at most 20"),
    ],
)
def test_metadata_that_is_no_json(metadata: dict, error: str) -> None:
    with pytest.raises(FormatError, match=error):
        to_bytes(tiny(metadata=metadata))


def test_a_list_is_no_tensor() -> None:
    sign = Node("sign", "pack", ("input",), {}, {"threshold": [0.0, 0.5], "flip": np.uint8([0, 1])})  # type: ignore[dict-item]
    with pytest.raises(FormatError, match=r"^node 'sign': tensor 'threshold' has dtype list, but it must be float32\."):
        infer_shapes(tiny(nodes=(sign, tiny().nodes[1])))


def test_random_damage_is_an_error_or_no_change() -> None:
    """A flipped bit may hit a space of the header; whatever is read must then be the same graph."""
    whole = HandFile().to_bytes()
    wanted = to_bytes(from_bytes(whole))
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        try:
            assert to_bytes(from_bytes(bytes(damaged))) == wanted
        except FormatError:
            refused += 1
    assert refused > 2500


def test_a_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is a folder, but it must be the name of a file"):
        write(".", tiny())
    assert list(tmp_path.iterdir()) == []


def test_graphs_show_no_numbers() -> None:
    assert repr(tiny()) == "<Graph 'tiny': input 2 x 1 x 2; nodes sign, fc>"
    assert repr(tiny().nodes[0]) == "<Node 'sign': pack of 'input'; threshold (2,), flip (2,)>"


@pytest.mark.parametrize("name", ["pipe", "dangling", "x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_a_file_is_left_alone(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match=r", but it must be (the name of a file|a file name)"):
        write(tmp_path / name, tiny())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("limits", [5, {}, "none"])
def test_limits_of_another_type(limits: Any) -> None:
    with pytest.raises(InputError, match=r"^limits=.*, but it must be Limits, such as Limits\(work=2\*\*36\), or"):
        from_bytes(to_bytes(tiny()), limits=limits)


def test_limits_without_end() -> None:
    assert from_bytes(to_bytes(tiny()), limits=Limits(work=10**400, header=10**400)).nodes
