"""Trained forward against the packed program, on every instruction set: integers, bits, floats and predictions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import CASES, CONFIGURED, configured, randomize_

from xnorkit import _engine, runtime
from xnorkit.errors import ExportError, InputError
from xnorkit.export import Proof, pack, verify
from xnorkit.format import Graph, Node, write
from xnorkit.models import create_model


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("case", CASES)
def test_networks(case: str, isa: str, tmp_path: Path) -> None:
    make, shape = CASES[case]
    for seed in range(3):
        torch.manual_seed(seed)
        model = randomize_(make(), seed)
        path = tmp_path / "model.xnor"
        write(path, pack(model, shape))
        packed = runtime.load(path, isa=isa, threads=2)
        images = np.random.default_rng(seed).standard_normal((11, *shape), dtype=np.float32)
        proof = verify(model, packed, images, batch_size=4)
        assert proof.images == 11
        assert proof.binary_outputs_equal
        assert all(layer.outputs > 0 for layer in proof.layers)
        assert len(proof.layers) >= 2
        assert proof.predictions_equal == 11
        assert proof.total_flips <= 2


@pytest.mark.parametrize("case", CONFIGURED)
def test_binarizers_that_run_on_bits(case: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    inputs, weights = CONFIGURED[case]
    model = randomize_(configured(activation_pre_process=inputs, weight_pre_process=weights))
    path = tmp_path / "model.xnor"
    write(path, pack(model, (1, 8, 8)))
    images = np.random.default_rng(0).standard_normal((64, 1, 8, 8), dtype=np.float32)
    proof = verify(model, runtime.load(path), images)
    assert [layer.name for layer in proof.layers] == ["2.sign", "2", "6"]
    assert proof.binary_outputs_equal
    assert proof.predictions_equal == 64


@pytest.mark.parametrize("isa", _engine.isas())
def test_lenet5(isa: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = randomize_(create_model("lenet5"))
    path = tmp_path / "lenet5.xnor"
    write(path, pack(model, (1, 28, 28)))
    images = np.random.default_rng(0).standard_normal((50, 1, 28, 28), dtype=np.float32)
    proof = verify(model, runtime.load(path, isa=isa), images)
    names = ["block2.conv.sign", "pool1", "block2.conv", "pool2", "block3.linear"]
    assert [layer.name for layer in proof.layers] == names
    assert proof.layers[2].integers == 50 * 50 * 8 * 8
    assert proof.layers[3].outputs == 50 * 50 * 4 * 4
    assert proof.end_to_end_bits == 50 * (12 * 12 * 20 + 4 * 4 * 50)
    assert proof.predictions_equal == 50


def graph_thresholds(node: Node) -> np.ndarray:
    return np.asarray(node.tensors["threshold"], dtype=np.int64)


@pytest.mark.parametrize("role", ["weight", "threshold", "flip"])
def test_the_proof_notices_one_wrong_number(role: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = randomize_(create_model("lenet5"))
    graph = pack(model, (1, 28, 28))
    node = next(n for n in graph.nodes if n.name == "block2.conv")
    changed = dict(node.tensors)
    changed[role] = changed[role].copy()
    channel = int(np.flatnonzero(np.abs(graph_thresholds(node)) < 50)[0])  # one whose sign does change
    changed[role].reshape(50, -1)[channel, 0] ^= 4 if role == "threshold" else 1
    altered = [n if n is not node else type(n)(n.name, n.op, n.inputs, n.attributes, changed) for n in graph.nodes]
    path = tmp_path / "altered.xnor"
    write(path, Graph(graph.name, graph.input, tuple(altered), graph.output, graph.metadata))
    images = np.random.default_rng(0).standard_normal((40, 1, 28, 28), dtype=np.float32)
    packed = runtime.load(path)
    with pytest.raises(ExportError, match=r"layer 'block2\.conv' differs"):
        verify(model, packed, images)
    assert not verify(model, packed, images, strict=False).binary_outputs_equal


def test_the_proof_needs_an_image_takes_tensors_and_reads_as_text(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("lenet5").eval()
    write(tmp_path / "lenet5.xnor", pack(model, (1, 28, 28)))
    packed = runtime.load(tmp_path / "lenet5.xnor")
    proof = verify(model, packed, torch.rand(2, 1, 28, 28))
    assert proof.binary_outputs_equal
    text = str(proof)
    assert "block2.conv: 6,400 of 6,400 integers equal, 6,400 of 6,400 bits equal" in text
    assert " 0 of 0" not in text
    nodes = [node.name for node in packed.graph.nodes]
    assert proof.order == nodes
    assert [line.split(":")[0].strip() for line in text.splitlines() if line.startswith("  ")] == proof.order
    assert {layer.name for layer in (*proof.layers, *proof.floats)} == set(proof.order)
    assert all(len(line) < 130 for line in str(proof).splitlines())
    assert not Proof().binary_outputs_equal
    with pytest.raises(InputError, match="N of at least 1"):
        verify(model, packed, np.zeros((0, 1, 28, 28), np.float32))
