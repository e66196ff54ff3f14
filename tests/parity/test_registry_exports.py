"""Every model of the registry, and every binarization, with random statistics: exported, and proved node by node."""

import numpy as np
import pytest
import torch
from networks import randomize_

from xnorkit.export import export_model, verify
from xnorkit.models import binarizations, create_model, input_shape, list_models
from xnorkit.runtime import Model

# Every model in 1-bit weights, in XNOR-Net's form and in its own paper's; what other binarizations do to the layers is
# proved on the smallest model of each kind.
ALL_KINDS = ("lenet5", "nin-cifar10", "vgg-small-cifar10", "resnet20-cifar10", "resnet18", "quicknet-small")
CASES = [
    (name, kind)
    for name in list_models()
    for kind in binarizations(name)
    if kind != "float" and (name in ALL_KINDS or kind in ("bwn", "xnor", binarizations(name)[0]))
]


def shrunk(name: str) -> tuple[int, int, int]:
    """The smallest image that the model takes: those that end in a global pool take any."""
    channels, height, width = input_shape(name)
    fixed = name.startswith(("alexnet", "lenet", "vgg", "nin"))
    if fixed:
        return channels, height, width
    size = 16 if name.endswith("-cifar10") else 32  # a few positions remain for the last blocks
    return channels, size, size


@pytest.mark.parametrize(("name", "binarization"), CASES, ids=["-".join(case) for case in CASES])
def test_every_model_exports_with_proof(name: str, binarization: str) -> None:
    torch.manual_seed(0)
    model = randomize_(create_model(name, num_classes=7, binarization=binarization))
    shape = shrunk(name)
    export = export_model(model, shape)
    graph = export.graph
    images = np.random.default_rng(0).standard_normal((1, *shape), dtype=np.float32)
    proof = verify(model, Model(graph), images, export=export)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
    assert proof.predictions_equal == 1
    # A random network is chaotic: one sign that sat on zero flips others in all layers behind it.
    assert next((count for count in proof.flips.values() if count), 0) <= 2
    binary = {node.name for node in graph.nodes if node.op.startswith("binary_") and "weight_" not in node.op}
    assert bool(binary) == (binarization not in ("float", "bwn"))
    assert {layer.name for layer in proof.layers} >= binary


def test_no_binarization_is_left_out() -> None:
    offered = {kind for name in list_models() for kind in binarizations(name)} - {"float"}
    assert {kind for _, kind in CASES} == offered
    for name in list_models():
        own = binarizations(name)[0]
        assert {kind for model, kind in CASES if model == name} >= ({"bwn", "xnor", own} - {"float"})
