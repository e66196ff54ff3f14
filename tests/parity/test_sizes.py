"""Bytes of packed files, batch norms folded: the sizes that the exporter is to reach (1 KB = 1000 bytes)."""

from typing import Any

import pytest

from xnorkit.export import pack
from xnorkit.format.file import to_bytes
from xnorkit.models import create_model, input_shape

BINARY = {"shortcut_type": "binary"}


@pytest.mark.parametrize(
    ("name", "options", "half", "limit"),
    [
        ("lenet5", {}, False, 86_000),
        ("lenet5", {}, True, 80_000),
        ("nin-cifar10", {}, False, 210_000),
        ("resnet18-cifar10", {}, False, 2_200_000),
        ("resnet18-cifar10", BINARY, False, 1_550_000),
        ("resnet18", {}, False, 4_300_000),
        ("resnet18", {}, True, 2_950_000),
        ("resnet18", BINARY, False, 3_700_000),
    ],
)
def test_size(name: str, options: dict[str, Any], half: bool, limit: int) -> None:
    model = create_model(name, **options).eval()
    shape = input_shape(name)
    # The image's size changes no weight in front of a global pool.
    shape = (shape[0], 64, 64) if name == "resnet18" else shape
    assert len(to_bytes(pack(model, shape, half=half))) < limit
