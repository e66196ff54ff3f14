"""torchvision's networks, made binary as they are: in-place ReLUs, residual sums, groups, squeeze and excitation."""

import numpy as np
import pytest
import torch

from xnorkit.data._torchvision import import_torchvision
from xnorkit.export import export_model, verify
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, SteHeavisideBinarizer, XNORWeightBinarizer
from xnorkit.runtime import Model

NAMES = ["resnet18", "resnet50", "mobilenet_v2", "regnet_y_400mf", "squeezenet1_1"]
XN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
SHAPE = (3, 64, 64)


@pytest.mark.parametrize("name", NAMES)
def test_packs_after_prepare_binary_model(name: str) -> None:
    import_torchvision()
    from torchvision import models

    torch.manual_seed(0)
    model = getattr(models, name)(num_classes=10)
    prepare_binary_model(model, XN, ignore_layers_name=["_first_", "_last_"], activations="auto")
    assert any(isinstance(module, SteHeavisideBinarizer) for module in model.modules())
    export = export_model(model.eval(), SHAPE)
    binary = [node for node in export.graph.nodes if node.op == "binary_conv2d"]
    assert len(binary) > 10
    images = np.random.default_rng(1).standard_normal((2, *SHAPE), dtype=np.float32)
    proof = verify(model, Model(export.graph), images, export=export)
    assert proof.binary_outputs_equal
    assert proof.floats_within_bound
