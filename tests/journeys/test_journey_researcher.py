"""A researcher: parts of one's own, and figures per layer, as docs/training.md and docs/your-own.md say."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from documents import blocks, section, typed

NETS = """
from torch import nn
from xnorkit import BConfig
from xnorkit.ops import XNORWeightBinarizer
from my_binarizers import TanhSign


class Net(nn.Sequential):
    input_shape = (1, 8, 8)

    def __init__(self, num_classes, width=8):
        super().__init__(
            nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, width, 3), nn.BatchNorm2d(width),
            nn.Flatten(), nn.Linear(width * 16, num_classes),
        )


config = BConfig(TanhSign, weight_pre_process=XNORWeightBinarizer)
"""
DATA = """
import numpy as np
from xnorkit.data import MemoryData, Split


class Stripes(MemoryData):
    def __init__(self, root, options):
        images = np.random.default_rng(0).integers(0, 60, (256, 1, 8, 8), dtype=np.uint8)
        labels = np.arange(256) % 2
        images[labels == 0, :, ::2] += 150
        images[labels == 1, :, :, ::2] += 150
        both = Split(images, labels)
        super().__init__(name="stripes", classes=["rows", "columns"], mean=(0.5,), std=(0.25,),
                         split_name="stripes", options=options, train=both, test=both)
"""
OPTIMIZERS = """
import torch


class Lion(torch.optim.Adam):
    def __init__(self, params, lr, beta):
        super().__init__(params, lr, betas=(beta, 0.999))
"""


def test_parts_of_ones_own(tmp_path: Path) -> None:
    text = section("docs/training.md", "### Things of your own")
    (binarizer,) = blocks(section("docs/your-own.md", "## A binarizer"), "python")
    (recipe,) = blocks(text, "yaml")
    files = {"my_binarizers.py": binarizer, "my_nets.py": NETS, "my_data.py": DATA, "my_optimizers.py": OPTIMIZERS}
    for name, content in {**files, "mine.yaml": recipe}.items():
        (tmp_path / name).write_text(content)
    done = typed("xnorkit train mine.yaml epochs=2 --seeds 0,1 --exp-name both", tmp_path)
    assert re.search(r"2 seeds\)", done.stdout)
    typed("xnorkit train mine.yaml epochs=2", tmp_path)
    (line,) = re.findall(r"`(XNORKIT_TRUST=[^`]+)`", text)
    done = typed(line, tmp_path)
    assert "layer by layer all" in done.stdout
    assert "1-bit" in typed("xnorkit inspect mine.xnor", tmp_path).stdout


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs xnorkit[report]")
def test_layer_by_layer(tmp_path: Path) -> None:
    (script,) = blocks(section("docs/training.md", "### Layer by layer"), "python")
    assert "epochs=5" in script
    (tmp_path / "layers.py").write_text(script.replace("epochs=5", "epochs=1"))
    done = typed(f"{sys.executable} layers.py", tmp_path)
    assert "'layer': 'block3.linear', 'share_of_ones': 0." in done.stdout
    assert (tmp_path / "layers.png").is_file()
