"""docs/migration.md: options, commands, fields and names that it promises are there, and its code runs."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from legacy_files import NIN, bnn_resnet18, randomize_, save, state_of

from xnorkit.cli.main import COMMANDS, main
from xnorkit.models import list_models
from xnorkit.nn import BinaryConv2d, BinaryLinear
from xnorkit.train import Machine, list_recipes, load_recipe

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]
HERE = [code for row in ROWS for code in re.findall(r"`([^`]+)`", row.split(" | ")[-1])]
MAIN_PY = (
    *("--arch", "--data", "--caffe-data", "--workers", "--epochs", "--start-epoch", "--batch-size", "--lr"),
    *("--momentum", "--weight-decay", "--print-freq", "--resume", "--evaluate", "--pretrained", "--world-size"),
    *("--dist-url", "--dist-backend", "-a", "-j", "-b", "-p", "-e", "--wd", "--learning-rate"),
)
RUN_DEV_PY = ("--exp_name", "--gpu", "-u", "--user", "--seed")


def options(command: str) -> set[str]:
    parser = importlib.import_module(f"xnorkit.cli.{command}").parser()
    return {option for action in parser._actions for option in action.option_strings}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def words(pattern: str) -> Iterator[str]:
    return (found for code in HERE for found in re.findall(pattern, code))


def test_every_option_of_the_seeds_has_a_row() -> None:
    there = " ".join(row.split(" | ")[0] for row in ROWS)
    for option in (*MAIN_PY, *RUN_DEV_PY):
        assert re.search(rf"`{re.escape(option)}[` ]", there), option


def test_options_are_those_of_the_parser() -> None:
    found = set(words(r"^--[\w-]+"))
    assert found >= {"--data", "--workers", "--resume", "--machine", "--devices", "--num-nodes", "--exp-name"}
    assert found <= options("train")


def test_commands_exist() -> None:
    found = set(words(r"^xnorkit (\w+)"))
    assert found >= {"train", "evaluate", "convert", "export"}
    assert found <= set(COMMANDS)
    for block in blocks("bash"):
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            command = line.split()
            assert command[0] == "xnorkit"
            assert {word for word in command if word.startswith("-")} <= options(command[1])


def test_fields_are_those_of_a_recipe() -> None:
    found = list(words(r"(?:^|\s)([a-z_]+(?:\.\w+)*=[^\s\"]+)"))
    of_recipes = [word for word in found if not word.startswith(("layers=", "scale_1e9=", "groups="))]
    assert len(of_recipes) > 10
    for override in of_recipes:
        load_recipe("resnet18", [override])  # raises for an unknown field


def test_names_exist() -> None:
    dotted = set(words(r"^xnorkit(?:\.\w+)+$"))
    assert len(dotted) > 40
    for name in dotted:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name
    machine = {entry.name for entry in fields(Machine)}
    named = {code for row in ROWS for code in re.findall(r"machine file: `(\w+)`", row)}
    assert len(named) > 3
    assert named <= machine
    known = {*list_models(), *list_recipes()}
    assert set(words(r"^[a-z]+\d*(?:-[a-z0-9]+)+$")) <= known
    assert set(re.findall(r"`([a-z0-9]+-[a-z0-9-]+-seed)`", PAGE)) <= known


LARQ_BLOCKS = blocks("python")[-2:]


@pytest.mark.parametrize("block", blocks("python")[:-2], ids=lambda block: block.split("\n")[1])
def test_python_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save({"best_acc": 86.28, "state_dict": state_of(randomize_(NIN()))}, Path("nin.best.pth.tar"))
    exec(compile(block, "docs/migration.md", "exec"), {"__name__": "__main__"})


def dot_of_signs(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A convolution as Keras means it, without padding: (H, W, I), (kH, kW, I, O) -> (H - kH + 1, W - kW + 1, O)."""
    signs = [np.where(array >= 0, 1, -1) for array in (image, kernel)]
    windows = np.lib.stride_tricks.sliding_window_view(signs[0], kernel.shape[:2], axis=(0, 1))
    return np.einsum("hwikl,klio->hwo", windows, signs[1])


def test_weights_of_larq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in LARQ_BLOCKS:
        exec(compile(block, "docs/migration.md", "exec"), names)
    assert "4 images, layer by layer: equal" in capsys.readouterr().out
    draw = np.random.default_rng(1)
    image = draw.standard_normal((6, 5, 16)).astype(np.float32)
    x = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
    inner = names["layer"](x)[0, :, 1:-1, 1:-1].permute(1, 2, 0)
    np.testing.assert_array_equal(inner.detach().numpy(), dot_of_signs(image, names["kernel"]))
    # each channel of a depthwise kernel by itself
    kernel = draw.uniform(-1, 1, (3, 3, 16, 2)).astype(np.float32)
    binary = {"bias": False, "bconfig": names["STE_SIGN"]}
    layer = BinaryConv2d(16, 32, 3, groups=16, **binary)
    layer.weight.data.copy_(names["depthwise_weight"](kernel))
    expected = [dot_of_signs(image[:, :, c : c + 1], kernel[:, :, c : c + 1]) for c in range(16)]
    np.testing.assert_array_equal(layer(x)[0].permute(1, 2, 0).detach().numpy(), np.concatenate(expected, axis=2))
    # a dense kernel reads the image in (H, W, C) order there
    kernel = draw.uniform(-1, 1, (6 * 5 * 16, 7)).astype(np.float32)
    layer = BinaryLinear(6 * 5 * 16, 7, **binary)
    layer.weight.data.copy_(names["dense_weight"](kernel, (6, 5, 16)))
    expected = dot_of_signs(image.reshape(1, 1, -1), kernel[None, None])[0, 0]
    np.testing.assert_array_equal(layer(x.flatten(1))[0].detach().numpy(), expected)
    layer.weight.data.copy_(names["dense_weight"](kernel))
    np.testing.assert_array_equal(layer(torch.from_numpy(image.reshape(1, -1)))[0].detach().numpy(), expected)


def test_shell_converts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save({"best_acc": 86.28, "state_dict": state_of(randomize_(NIN()))}, Path("nin.best.pth.tar"))
    save(state_of(randomize_(bnn_resnet18(10))), Path("resnet.pth"))
    lines = [line.split("#")[0].split() for block in blocks("bash") for line in block.splitlines()]
    converts = [line[1:] for line in lines if line[1:2] == ["convert"]]
    assert len(converts) == 3
    for command in converts:
        assert main(command) == 0
