"""Machine files: merged under the recipe, typed, unknown names named."""

from pathlib import Path

import pytest

from xnorkit.errors import InputError, RecipeError
from xnorkit.train import Hardware, Machine, load_machine, load_recipe


def written(folder: Path, text: str) -> Path:
    path = folder / "xnorkit.yaml"
    path.write_text(text)
    return path


def test_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_machine() == Machine()
    written(tmp_path, "data: /data\nworkers: 4\n")
    assert load_machine() == Machine(data="/data", workers=4)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    (tmp_path / ".config").mkdir()
    written(tmp_path / ".config", "logs: /logs\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_machine() == Machine(logs="/logs")


def test_it_stands_under_the_recipe_and_the_recipe_under_the_command_line(tmp_path: Path) -> None:
    machine = load_machine(written(tmp_path, "batch_size: 32\nprecision: bf16-mixed\n"))
    bare = tmp_path / "bare.yaml"
    bare.write_text("name: x\nmodel: {name: lenet5}\ndata: {name: digits}\n")
    assert load_recipe(bare, defaults=machine.recipe_defaults()).batch_size == 32
    assert load_recipe(bare, defaults=machine.recipe_defaults()).precision == "bf16-mixed"
    assert load_recipe("lenet5-digits", defaults=machine.recipe_defaults()).batch_size == 64
    assert load_recipe("lenet5-digits", ["batch_size=16"], machine.recipe_defaults()).batch_size == 16


def test_hardware(tmp_path: Path) -> None:
    machine = load_machine(written(tmp_path, "devices: 2\nworkers: 4\naccelerator: cpu\n"))
    assert machine.hardware(devices=None, workers=0) == Hardware("2", accelerator="cpu", workers=0)
    assert machine.hardware(devices="0,2").devices == "0,2"
    assert load_machine(written(tmp_path, "devices: auto\n")).hardware().devices == "auto"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("worker: 4\n", r"machine file .*xnorkit.yaml: the field 'worker' is unknown, but it must be a known one, as"),
        ("workers: many\n", "workers=many, but it must be a whole number"),
        ("workers: 1\nworkers: 2\n", "'workers' stands twice"),
        ("devices: [1]\n", "but it must be a whole number or text"),
        ("[1]\n", "but it must hold a mapping"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_machine(written(tmp_path, text))


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no machine file at"):
        load_machine(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    "wrong",
    [
        {"devices": "none"},
        {"devices": "0"},
        {"num_nodes": 0},
        {"workers": -1},
        {"threads": 0},
        {"limit_eval_batches": 0},
    ],
)
def test_wrong_hardware(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))}=.*, but it must be"):
        Hardware(**wrong)
