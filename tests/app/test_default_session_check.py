"""What the check behind `export --to onnx` runs: a default session, on networks that such a session could break."""

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import NoNorm

from xnorkit.app.targets import convert
from xnorkit.export import pack
from xnorkit.nn import BinaryConv2d


@pytest.mark.parametrize("packed", [True, False])
def test_an_onnx_file_is_checked_in_a_default_session(packed: bool, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional package")
    torch.manual_seed(0)
    graph = pack(NoNorm(BinaryConv2d(3, 16, 3, bias=False)).eval(), (3, 12, 12))
    images = np.random.default_rng(0).standard_normal((64, 3, 12, 12), dtype=np.float32)
    result = convert(graph, tmp_path / "model.onnx", "onnx", images, packed=packed)
    assert "default session" in result.sentence
    assert result.predictions_equal == result.images_checked == 64
    assert result.max_logit_difference < 1e-6
