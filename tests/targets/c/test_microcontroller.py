"""`examples/microcontroller`: networks on emulated boards, bit for bit, in the memory that such boards have."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xnorkit import BConfig, prepare_binary_model
from xnorkit.export import pack
from xnorkit.format import Graph, Normalization, read
from xnorkit.nn.quantize_model import quantize_first_last_
from xnorkit.ops import BasicInputBinarizer, SignWeightBinarizer
from xnorkit.targets.c import write_c
from xnorkit.zoo import find

EXAMPLE = Path(__file__).parents[3] / "examples" / "microcontroller"
BOARDS = {
    "m4": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "m7": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "rv32": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
}


def small_cifar() -> Graph:
    """Three binary convolutions of 32x32 images between 8-bit layers."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(32)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(64)),
        *(nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.Flatten(), nn.Linear(1024, 10)),
    )
    config = BConfig(activation_pre_process=BasicInputBinarizer, weight_pre_process=SignWeightBinarizer)
    prepare_binary_model(net, config, ignore_layers_name=["_first_", "_last_"])
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    quantize_first_last_(net, mean=mean, std=std)
    net(torch.randn(8, 3, 32, 32))
    return pack(net.eval(), (3, 32, 32), normalization=Normalization(mean, std))


NETWORKS = {"lenet5": lambda: read(find("lenet5-mnist")), "small_cifar": small_cifar}
LIMITS = {"lenet5": (100_000, 8_000), "small_cifar": (40_000, 3 * 32 * 32 + 5_000)}
"""Bytes of flash; bytes of RAM for values, the input among them, and stack."""


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    graph = NETWORKS[request.param]()
    write_c(folder, graph, images=np.random.default_rng(0).standard_normal((2, *graph.input.shape), dtype=np.float32))
    return request.param, folder


def make(folder: Path, board: str, target: str, build: Path) -> str:
    words = ["make", "-s", "-C", str(EXAMPLE), f"MODEL={folder}", f"BOARD={board}", f"BUILD={build}", target]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("board", BOARDS)
def test_every_bit_on_a_board(board: str, network: tuple[str, Path], tmp_path: Path) -> None:
    for tool in (*BOARDS[board], "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    name, folder = network
    text = make(folder, board, "run", tmp_path)
    assert ": 20 of 20 outputs equal bit for bit" in text
    values, stack = (int(found) for found in re.findall(r"(?:values|stack): (\d+) bytes of RAM", text))
    flash, data, bss = map(int, make(folder, board, "size", tmp_path).splitlines()[-1].split()[:3])
    most_flash, most_ram = LIMITS[name]
    assert data == 0
    assert bss == values
    assert flash <= most_flash
    assert stack > 100
    assert values + stack <= most_ram


def test_an_unknown_board_is_named() -> None:
    done = subprocess.run(["make", "-C", str(EXAMPLE), "BOARD=z80"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "BOARD=z80 is unknown; choose m4, m7 or rv32" in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_another_model_is_another_program(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        for file in ("model.c", "model.h"):
            (tmp_path / name / file).touch()
            os.utime(tmp_path / name / file, (0, 0))
    program = tmp_path / "build" / "program.elf"

    def compiles(name: str) -> bool:
        words = ["make", "-n", "-C", str(EXAMPLE), f"MODEL={tmp_path / name}", f"BUILD={program.parent}", str(program)]
        return "gcc" in subprocess.run(words, capture_output=True, text=True, check=True).stdout

    assert compiles("first")
    program.touch()
    assert not compiles("first")
    assert compiles("second")
