"""The proof covers every node of a program: whatever changes in one of them, it is seen there."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from differential import unproved
from networks import randomize_
from torch import Tensor, nn

from xnorkit.errors import ExportError
from xnorkit.export import export_model, interpret, verify
from xnorkit.format import Graph
from xnorkit.nn import BConfig, BinaryConv1d, BinaryConv2d, BinaryLinear, Identity
from xnorkit.ops import (
    BasicInputBinarizer,
    BasicScaleBinarizer,
    BiasPostprocess,
    InputBiasBinarizer,
    RPReLU,
    SignWeightBinarizer,
    SteHeavisideBinarizer,
    XNORScaleBinarizer,
    XNORWeightBinarizer,
)
from xnorkit.runtime import Model

SIGNS = {"sign": BasicInputBinarizer, "RSign": InputBiasBinarizer, "0/1": SteHeavisideBinarizer, "float": nn.Identity}
PROCESSES = {
    "RPReLU": RPReLU,
    "scale": BasicScaleBinarizer,
    "bias": BiasPostprocess,
    "K": XNORScaleBinarizer,
}


def network(config: BConfig, *after: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    layer = BinaryConv2d(8, 12, 3, padding=1, bconfig=config)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), layer, *after, nn.Flatten(), nn.Linear(12 * 36, 4))
    randomize_(model)
    for module in model.modules():
        if isinstance(module, RPReLU | BasicScaleBinarizer | BiasPostprocess):
            for parameter in module.parameters():
                nn.init.normal_(parameter)
    return model.eval()


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("after", ["nothing", "norm", "norm and RPReLU"])
@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("signs", SIGNS)
def test_each_node_of_a_layer_with_an_output_process_is_proved(signs: str, process: str, after: str) -> None:
    config = BConfig(SIGNS[signs], PROCESSES[process], XNORWeightBinarizer)
    if process == "K" and signs == "0/1":
        config = BConfig(SIGNS[signs], nn.Identity, SignWeightBinarizer)
    more = {"nothing": [], "norm": [nn.BatchNorm2d(12)], "norm and RPReLU": [nn.BatchNorm2d(12), RPReLU(12)]}[after]
    model = network(config, *more)
    export = export_model(model, (3, 8, 8))
    proof = verify(model, Model(export.graph), images(4, 3, 8, 8), export=export)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
    assert not unproved(proof, export.graph)


def changed(array: np.ndarray) -> np.ndarray:
    """Return a copy in which one bit of the packed ones differs, or every float."""
    array = array.copy()
    if array.dtype == np.uint8:
        array.reshape(-1)[0] ^= 1
        return array
    return array + np.float32(1)


def test_any_changed_number_is_found_in_its_node() -> None:
    process = BConfig(InputBiasBinarizer, RPReLU, XNORWeightBinarizer)
    model = network(process, RPReLU(12), nn.BatchNorm2d(12), BinaryConv2d(12, 12, 3, padding=1, bconfig=process))
    export = export_model(model, (3, 8, 8))
    rows = images(16, 3, 8, 8)
    tried = 0
    for index, node in enumerate(export.graph.nodes):
        for role, array in node.tensors.items():
            tensors = {**node.tensors, role: changed(array)}
            nodes = list(export.graph.nodes)
            nodes[index] = replace(node, tensors=tensors)
            graph = replace(export.graph, nodes=tuple(nodes))
            proof = verify(model, Model(graph), rows, export=export, strict=False)
            wrong = {entry.name for entry in (*proof.layers, *proof.floats) if not entry.equal}
            assert wrong == {node.name}, f"{role} of {node.op}"
            with pytest.raises(ExportError, match=f"'{node.name}' differs"):
                verify(model, graph, rows, export=export)
            tried += 1
    assert tried > 12


@pytest.mark.parametrize("offset", [10.0, 1e3, 1e5, 1e7])
@pytest.mark.parametrize("kind", ["float", "binary", "binary weight", "linear"])
def test_biases_that_cancel_in_a_batch_norm(kind: str, offset: float) -> None:
    torch.manual_seed(0)
    layers: dict[str, nn.Module] = {
        "float": nn.Conv2d(8, 12, 3),
        "binary": BinaryConv2d(8, 12, 3, bconfig=BConfig(BasicInputBinarizer, Identity, XNORWeightBinarizer)),
        "binary weight": BinaryConv2d(8, 12, 3, bconfig=BConfig(weight_pre_process=XNORWeightBinarizer)),
        "linear": nn.Sequential(nn.Flatten(), nn.Linear(8 * 64, 12)),
    }
    norm: Any = nn.BatchNorm1d(12) if kind == "linear" else nn.BatchNorm2d(12)
    layer: Any = layers[kind][-1] if isinstance(layers[kind], nn.Sequential) else layers[kind]  # type: ignore[index]
    end = nn.Linear(12 if kind == "linear" else 12 * 36, 4)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), layers[kind], norm, nn.ReLU(), nn.Flatten(), end).eval()
    with torch.no_grad():
        layer.bias.add_(offset)
        norm.running_mean.add_(offset)
    export = export_model(model, (3, 8, 8))
    proof = verify(model, Model(export.graph), images(4, 3, 8, 8), export=export)
    assert not unproved(proof, export.graph)


class Rows(nn.Module):
    """Positions first, then channels: as sequence models flatten."""

    def __init__(self, layer: nn.Module, style: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, (8, 3) if style == "sequence" else 3)
        self.rows = BinaryConv1d(6, 6, 3, padding=1)
        self.layer, self.style, self.end = layer, style, nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.style == "sequence":
            y = self.rows(y.flatten(2)).transpose(1, 2).contiguous().view(len(x), -1)
        else:
            y = y.permute(0, 2, 3, 1).flatten(1) if self.style == "channels last" else y.transpose(2, 3).flatten(1)
        return self.end(self.layer(y))


@pytest.mark.parametrize("kind", ["float", "sign", "0/1", "binary weight"])
@pytest.mark.parametrize("style", ["sequence", "channels last", "transposed"])
def test_a_linear_layer_reads_its_features_in_any_order(style: str, kind: str) -> None:
    torch.manual_seed(0)
    features = 6 * (6 if style == "sequence" else 36)
    signs = {"sign": BasicInputBinarizer, "0/1": SteHeavisideBinarizer, "binary weight": nn.Identity}
    layer: nn.Module = nn.Linear(features, 16)
    if kind != "float":
        layer = BinaryLinear(features, 16, bconfig=BConfig(signs[kind], Identity, XNORWeightBinarizer))
    model = Rows(layer, style).eval()
    rows = images(4, 3, 8, 8)
    export = export_model(model, (3, 8, 8))
    proof = verify(model, Model(export.graph), rows, export=export)
    assert not unproved(proof, export.graph)
    with torch.no_grad():
        wanted = model(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(_logits(export.graph, rows), wanted, rtol=1e-4, atol=1e-4)


def test_what_differs_by_feature_is_not_reordered() -> None:
    layer = BinaryLinear(216, 16, bconfig=BConfig(InputBiasBinarizer, Identity, XNORWeightBinarizer))
    with pytest.raises(ExportError, match="in a way that no operation of the format gives"):
        export_model(Rows(layer, "channels last").eval(), (3, 8, 8))


def _logits(graph: Graph, rows: np.ndarray) -> np.ndarray:
    return interpret(graph, rows)[graph.output].reshape(len(rows), -1)
