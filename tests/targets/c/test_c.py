"""C programs of every operation: they compile without a warning and give the bits of the scalar reference."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import randomize_
from single_ops import CASES, case, images_for
from torch import nn

from xnorkit.errors import ExportError, InputError
from xnorkit.export import pack
from xnorkit.format import Graph, InputSpec, Node, Normalization, infer_shapes
from xnorkit.models import create_model
from xnorkit.runtime import Model
from xnorkit.targets.c import write_c
from xnorkit.targets.c.arena import place
from xnorkit.targets.c.stages import stages

FIXED = [name for name in CASES if name != "dynamic"]
MACHINES = {
    "aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "arm": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
}


def make(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["make", "-s", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operations, compiled once for all programs."""
    folder = tmp_path_factory.mktemp("operations")
    write_c(folder, case("clip"))
    make(folder, "main", "CFLAGS=-O1")
    return folder


@pytest.mark.parametrize("name", FIXED)
def test_every_operation(name: str, objects: Path) -> None:
    graph = case(name)
    write_c(objects, graph, images=images_for(graph, 2))
    text = make(objects, "CFLAGS=-O1")
    equal, total = map(int, re.findall(r"(\d+) of (\d+) outputs equal bit for bit", text)[0])
    assert equal == total == 2 * infer_shapes(graph)[graph.output].size


@pytest.fixture(scope="module")
def lenet5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = _graph()
    folder = tmp_path_factory.mktemp("lenet5")
    program = write_c(folder, graph)
    assert program.ram_bytes <= 32_000
    assert program.constant_bytes <= 100_000
    return folder


def test_lenet5_fits_a_microcontroller(lenet5: Path) -> None:
    text = make(lenet5, "CFLAGS=-O2 -Wextra")
    assert "lenet5: 20 of 20 outputs equal bit for bit" in text
    numbers = make(lenet5, "size").splitlines()[-1].split()
    flash, ram = int(numbers[0]), int(numbers[1]) + int(numbers[2])
    assert flash <= 125_000
    assert ram <= 32_000


def test_the_test_can_fail(lenet5: Path, tmp_path: Path) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(lenet5, folder)
    model = folder / "model.c"
    text = model.read_text(encoding="utf-8")
    altered = re.sub(r"0x[0-9a-f]{8}u", "0x5a5a5a5au", text, count=200)
    assert altered != text
    model.write_text(altered, encoding="utf-8")
    done = subprocess.run(["make", "-s", "-C", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "outputs equal bit for bit" in done.stdout


def test_word_by_word_is_the_same(lenet5: Path) -> None:
    make(lenet5, "clean")
    assert "20 of 20 outputs equal" in make(lenet5, "CFLAGS=-O2 -DXK_SCALAR")


@pytest.mark.parametrize("machine", MACHINES)
def test_other_machines_under_emulation(machine: str, lenet5: Path, tmp_path: Path) -> None:
    compiler, emulator = MACHINES[machine]
    for tool in (compiler, emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path / machine
    shutil.copytree(lenet5, folder)
    make(folder, "clean")
    make(folder, "main", f"CC={compiler}", "LDFLAGS=-static")
    done = subprocess.run([emulator, str(folder / "main")], capture_output=True, text=True, check=False)
    assert "20 of 20 outputs equal bit for bit" in done.stdout


def test_pixels_give_what_the_engine_gives(lenet5: Path, tmp_path: Path) -> None:
    """model_run_u8, called from a few lines of C."""
    folder = tmp_path / "pixels"
    shutil.copytree(lenet5, folder)
    graph = _graph()
    image = np.random.default_rng(3).integers(0, 256, (1, 1, 28, 28), dtype=np.uint8)
    wanted = Model(graph, isa="reference")(image)[0].view(np.uint32)
    numbers = ", ".join(map(str, image.ravel()))
    (folder / "main.c").write_text(
        '#include <stdio.h>\n#include <string.h>\n#include "model.h"\n'
        f"static const uint8_t image[] = {{{numbers}}};\n"
        "int main(void) {\n  float y[MODEL_OUTPUTS];\n  uint32_t b[MODEL_OUTPUTS];\n  model_run_u8(image, y);\n"
        '  memcpy(b, y, sizeof b);\n  for (int i = 0; i < MODEL_OUTPUTS; ++i) printf("%lu ", (unsigned long)b[i]);\n'
        "  return 0;\n}\n",
        encoding="utf-8",
    )
    assert [int(word) for word in make(folder).split()] == wanted.tolist()


def _graph() -> Graph:
    """LeNet-5 with statistics of batch norms that make both signs."""
    torch.manual_seed(0)
    model = create_model("lenet5").eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(0.1, 0.5)
            module.running_var.uniform_(0.5, 2)
    return pack(model, (1, 28, 28), normalization=Normalization((0.1307,), (0.3081,)))


@pytest.mark.parametrize("binarization", ["react", "xnor", "xnor-k"])
def test_residual_networks(binarization: str, objects: Path) -> None:
    torch.manual_seed(0)
    graph = pack(randomize_(create_model("resnet20-cifar10", binarization=binarization)), (3, 32, 32))
    write_c(objects, graph)
    assert "20 of 20 outputs equal bit for bit" in make(objects, "CFLAGS=-O1")


def test_a_sum_of_two_layers_is_taken_once() -> None:
    """Both operands could take the sum over; the first does, and runs after the second."""
    base = case("float_conv2d groups")
    conv = base.nodes[0]
    nodes = [Node(name, conv.op, ("input",), conv.attributes, conv.tensors) for name in ("first", "second")]
    graph = Graph("sum", base.input, (*nodes, Node("y", "add", ("first", "second"))), "y")
    order = stages(graph, infer_shapes(graph))
    assert [(s.node.name, [step.name for step in s.steps]) for s in order] == [("second", []), ("first", ["y"])]


def test_steps_join_the_layer_in_front() -> None:
    graph = case("add")  # wide = conv(input); other = clip(wide); y = wide + other
    order = stages(graph, infer_shapes(graph))
    assert [(s.node.name, [step.name for step in s.steps]) for s in order] == [("wide", []), ("other", ["y"])]
    packed = case("binary_conv2d float")  # wide = conv(input); signs = pack(wide); y = binary conv
    first = stages(packed, infer_shapes(packed))[0]
    assert first.pack is not None
    assert first.pack.name == "signs"
    assert first.makes == ["signs"]


def test_values_that_live_together_do_not_overlap() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        names = [f"v{i}" for i in range(12)]
        sizes = {n: int(rng.integers(1, 300)) for n in names}
        lives = {}
        for n in names:
            first = int(rng.integers(0, 10))
            lives[n] = (first, first + int(rng.integers(0, 4)))
        offsets, total = place(sizes, lives)
        for a in names:
            assert offsets[a] % 8 == 0
            assert offsets[a] + sizes[a] <= total
            for b in names:
                together = a != b and lives[a][0] <= lives[b][1] and lives[b][0] <= lives[a][1]
                assert not together or offsets[a] + sizes[a] <= offsets[b] or offsets[b] + sizes[b] <= offsets[a]


def test_what_c_cannot_say_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="images of any size"):
        write_c(tmp_path, case("dynamic"))
    graph = case("int8_linear float")
    bare = Graph(graph.name, InputSpec(graph.input.shape, None, "u8"), graph.nodes, graph.output)
    with pytest.raises(ExportError, match="but for C it must have one"):
        write_c(tmp_path, bare)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_c(tmp_path / "file", case("clip"))


def test_two_networks_link_into_one_program(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("digits", "letters")]
    for seed, folder in enumerate(folders):
        torch.manual_seed(seed)
        graph = pack(create_model("lenet5", 10 + seed).eval(), (1, 28, 28))
        write_c(folder, graph, prefix=folder.name)
        assert "outputs equal bit for bit" in make(folder, "CFLAGS=-O1")
        make(folder, "lib", "CFLAGS=-O1")
    (tmp_path / "firmware.c").write_text(
        '#include <stdio.h>\n#include "digits.h"\n#include "letters.h"\n'
        "int main(void) { static float image[DIGITS_INPUTS], a[DIGITS_OUTPUTS], b[LETTERS_OUTPUTS];\n"
        'digits_run(image, a); letters_run(image, b); printf("%d %d", DIGITS_OUTPUTS, LETTERS_OUTPUTS); return 0; }\n'
    )
    libraries = [str(folder / f"lib{folder.name}.a") for folder in folders]
    command = ["cc", "firmware.c", *(f"-I{folder}" for folder in folders), *libraries, "-lm", "-o", "firmware"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "firmware"], capture_output=True, text=True, check=True)
    assert done.stdout == "10 11"


def test_a_program_builds_out_of_its_folder_with_other_tools(lenet5: Path, tmp_path: Path) -> None:
    before = sorted(lenet5.iterdir())
    for tool in ("cc", "ar", "size"):
        real = shutil.which(tool)
        (tmp_path / f"my-{tool}").write_text(f'#!/bin/sh\necho {tool} >> {tmp_path}/log\nexec {real} "$@"\n')
        (tmp_path / f"my-{tool}").chmod(0o755)
    tools = [f"{name}={tmp_path}/my-{name.lower()}" for name in ("CC", "AR", "SIZE")]
    command = ["make", "-s", "-f", str(lenet5 / "Makefile"), *tools, "CFLAGS=-O1", "test", "lib", "size"]
    build = tmp_path / "build"
    build.mkdir()
    done = subprocess.run(command, cwd=build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in build.iterdir()} >= {"main", "libmodel.a", "model.o"}
    assert sorted(lenet5.iterdir()) == before
    assert set((tmp_path / "log").read_text().split()) == {"cc", "ar", "size"}


@pytest.mark.parametrize("prefix", ["", "Digits", "2d", "a-b", "xk", "main", "test_vector", "a" * 64])
def test_a_prefix_that_is_no_name_is_refused(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="but it must be a small letter"):
        write_c(tmp_path / "program", case("clip"), prefix=prefix)
    assert not (tmp_path / "program").exists()


@pytest.mark.parametrize("memory", ["ram", "flash"])
def test_a_program_larger_than_its_budget_is_refused(memory: str, tmp_path: Path) -> None:
    program = write_c(tmp_path / "fits", case("clip"))
    needed = {"ram": program.ram_bytes, "flash": program.constant_bytes}[memory]
    write_c(tmp_path / "exact", case("clip"), **{memory: needed})
    with pytest.raises(ExportError, match=rf"needs {needed:,} bytes of .*, but the budget is {needed - 1:,}\."):
        write_c(tmp_path / "larger", case("clip"), **{memory: needed - 1})
    assert not (tmp_path / "larger").exists()
